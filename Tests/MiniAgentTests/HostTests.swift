// What an agent offers and says of itself.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct HostTests {
    private let host = HostCapacity(cpus: 8, memoryMB: 16_384, diskMB: 100_000)

    @Test func `memory and disk of a real host are found`() {
        let measured = HostCapacity.measure(workDirectory: "/")
        #expect(measured.cpus >= 1)
        // Whoever compiled this has more than a tenth of a gigabyte, and less than a petabyte.
        #expect((100...1_000_000_000).contains(measured.memoryMB))
        #expect((100...1_000_000_000).contains(measured.diskMB))
    }

    @Test func `what the operator leaves out is detected`() throws {
        #expect(
            try AgentResources.parse(nil, defaultRole: "*", host: host).description
                == "cpus:8;mem:15360;disk:94880;ports:[31000-32000]")
        #expect(
            try AgentResources.parse("cpus:2; mem(eng):512", defaultRole: "*", host: host).description
                == "cpus:2;disk:94880;ports:[31000-32000];mem(eng):512"
                || AgentResources.parse("cpus:2; mem(eng):512", defaultRole: "*", host: host)["mem"]
                    == Scalar(milli: 512_000)
        )
        #expect(try AgentResources.parse("cpus:0", defaultRole: "*", host: host)["cpus"] == Scalar.zero)
        #expect(try AgentResources.parse("ports:[1-2]", defaultRole: "*", host: host).ports == Ranges([1...2]))
    }

    @Test func `a small host offers half of what it has`() {
        let small = HostCapacity(cpus: 1, memoryMB: 1000, diskMB: 4000).offered
        #expect(small["mem"] == Scalar(milli: 500_000))
        #expect(small["disk"] == Scalar(milli: 2_000_000))
    }

    @Test func `GPUs are offered when they are asked for, as many as there are device files`() throws {
        let directory = TemporaryDirectory()
        for name in ["nvidia0", "nvidia1", "nvidia7", "nvidiactl", "nvidia-uvm", "null"] {
            try DurableFile.replace("\(directory.path)/\(name)", with: [])
        }
        func offered(_ named: [String]?, _ isolation: [String] = []) throws(AgentStartError) -> [Int] {
            try HostGPUs.offered(named: named, isolation: isolation, directory: directory.path)
        }
        #expect(try offered(nil) == [])
        #expect(try offered(nil, ["gpu/nvidia"]) == [0, 1, 7])
        #expect(try offered(["7", "0"]) == [7, 0])
        for wrong in [["x"], ["-1"], ["2"], ["0", "0"]] { #expect(throws: AgentStartError.self) { try offered(wrong) } }
        var host = host
        host.gpus = 2
        #expect(try AgentResources.parse(nil, defaultRole: "*", host: host)["gpus"] == Scalar(milli: 2000))
        #expect(try AgentResources.parse("gpus:1", defaultRole: "*", host: host)["gpus"] == Scalar(milli: 1000))
        #expect(try AgentResources.parse(nil, defaultRole: "*", host: self.host)["gpus"] == Scalar.zero)
    }

    @Test func `resources that cannot be read are refused with the reason`() {
        #expect(throws: AgentStartError.self) { try AgentResources.parse("cpus:many", defaultRole: "*", host: host) }
        #expect(throws: AgentStartError.self) { try AgentResources.parse(nil, defaultRole: "a//b", host: host) }
    }

    @Test func `resources are also taken as JSON, and what is not in it is detected`() throws {
        let resources = try AgentResources.parse(
            """
             [{"name":"cpus","type":"SCALAR","scalar":{"value":2},"role":"eng"},
              {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":5,"end":6}]}}]
            """, defaultRole: "*", host: host)
        #expect(
            resources.description == "mem:15360;disk:94880;ports:[5-6];cpus(eng):2"
                || resources.ports == Ranges([5...6]))
        #expect(resources["mem"] == Scalar(milli: 15_360_000))
        #expect(resources.unreserved["cpus"] == Scalar.zero)
        let role = try AgentResources.parse(
            #"[{"name":"gpus","type":"SCALAR","scalar":{"value":1}}]"#, defaultRole: "ml", host: host)
        #expect(role.unreserved["gpus"] == Scalar.zero)
        #expect(role["gpus"] == Scalar(milli: 1000))
    }

    @Test(arguments: [
        (
            #"[{"name":"cpus","type":"SCALAR","scalar":{"value":1}},{"name":"cpus","type":"SCALAR","scalar":{"value":-1}}]"#,
            "[1] 'cpus': Invalid scalar"
        ),
        (#"[{"name":"disk","type":"SCALAR","scalar":{"value":1},"disk":{"persistence":{"id":"x"}}}]"#, "CREATE"),
        (
            #"[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"reservations":[{"type":"DYNAMIC","role":"r"}]}]"#,
            "RESERVE"
        ),
        (#"[{"name":"cpus","type":"SCALAR"}"#, "not a JSON array"),
        ("[{}]", "[0]"),
        ("cpus:2;mem:lots", "mem: expected a number"),
        ("cpus(:2", "'cpus(:2'"),
    ])
    func `what is wrong with resources is named`(text: String, part: String) {
        do {
            _ = try AgentResources.parse(text, defaultRole: "*", host: host)
            Issue.record("\(text) was accepted")
        } catch {
            #expect("\(error)".contains(part), "\(error)")
        }
    }

    @Test func `attributes are also taken as JSON`() throws {
        let attributes = try AgentAttributes.parse(
            #"[{"name":"rack","type":"TEXT","text":{"value":"r1"}},{"name":"slots","type":"SCALAR","scalar":{"value":4}}]"#
        )
        #expect(attributes == (try AgentAttributes.parse("rack:r1;slots:4")))
        #expect(throws: AgentStartError.self) { try AgentAttributes.parse(#"[{"name":"rack","type":"TEXT"}]"#) }
    }

    @Test(arguments: [
        ("cpus:8", "rack:r1;zone:z", ReconfigurationPolicy.additive, nil as String?),
        ("cpus:8;mem:10", "rack:r1", .additive, nil),
        ("cpus:2", "rack:r1", .additive, "'cpus:4' before, 'cpus:2' now"),
        ("cpus:4", "zone:z", .additive, "attribute 'rack' is missing"),
        ("cpus:4", "rack:r2", .additive, "attribute 'rack' was 'r1' and is 'r2'"),
        ("cpus:8", "rack:r1", .equal, "resources were 'cpus:4' and are 'cpus:8'"),
        ("cpus:2", "zone:z", .any, nil),
        ("cpus:0.5", "rack:r1", .any, "tasks that run need what is no longer there: 'cpus:1' before, 'cpus:0.5' now"),
    ])
    func `a policy says which changes are taken`(
        resources: String, attributes: String, policy: ReconfigurationPolicy, refusal: String?
    ) throws {
        var old = V1AgentInfo()
        old.hostname = "h1"
        old.resources = try Resources.parse("cpus:4", defaultRole: .any).protobuf()
        old.attributes = try AgentAttributes.parse("rack:r1")
        var new = old
        new.resources = try Resources.parse(resources, defaultRole: .any).protobuf()
        new.attributes = try AgentAttributes.parse(attributes)
        let change = Reconfiguration(
            from: old, to: new, policy: policy, used: try Resources.parse("cpus:1", defaultRole: .any))
        #expect(!change.differences.isEmpty)
        if let refusal {
            #expect(change.refusal?.contains(refusal) == true, "\(change.refusal ?? "accepted")")
        } else {
            #expect(change.refusal == nil)
        }
        new.hostname = "h2"
        #expect(Reconfiguration(from: old, to: new, policy: policy, used: Resources()).refusal != nil)
    }

    @Test func `attributes are texts, numbers and ranges`() throws {
        let attributes = try AgentAttributes.parse("rack:r1; slots : 4 ;ports:[1-3];url:http://x")
        #expect(attributes.map(\.name) == ["rack", "slots", "ports", "url"])
        #expect(attributes.map(\.type) == [.text, .scalar, .ranges, .text])
        #expect(attributes[3].text.value == "http://x")
        #expect(try AgentAttributes.parse(nil) == [])
        #expect(throws: AgentStartError.self) { try AgentAttributes.parse("rack") }
        #expect(throws: AgentStartError.self) { try AgentAttributes.parse("rack:;x:1") }
    }

    @Test func `a changed description is refused with the difference`() throws {
        var old = V1AgentInfo()
        old.hostname = "h1"
        old.port = 5051
        old.resources = try Resources.parse("cpus:4", defaultRole: .any).protobuf()
        old.attributes = try AgentAttributes.parse("rack:r1")
        var new = old
        new.port = 7000
        #expect(
            Reconfiguration.differences(from: old, to: new) == [], "a port may change: the agent keeps its identity")
        new.hostname = "h2"
        new.resources = try Resources.parse("cpus:8", defaultRole: .any).protobuf()
        new.attributes = try AgentAttributes.parse("rack:r2")
        #expect(
            Reconfiguration.differences(from: old, to: new) == [
                "hostname was 'h1' and is 'h2'", "resources were 'cpus:4' and are 'cpus:8'", "attributes differ: rack",
            ])
    }

    @Test func `process tasks inherit the agent's variables without its configuration`() {
        let environment = ProcessEnvironment(
            base: nil, ip: "10.0.0.1",
            own: [
                "PATH=/bin", "MESOS_WORK_DIR=/w", "LIBPROCESS_PORT=1", "MINI_ZK=zk://x", "MINI_CLUSTER_ID=c", "A=b=c",
            ])
        var info = AgentConversation.info("t1")
        var variable = V1Environment.Variable()
        variable.name = "PATH"
        variable.value = "/usr/bin"
        info.command.environment.variables = [variable]
        let key = AgentConversation.key("t1")
        let launch = Launch(
            record: TaskRecord(key: key, info: info, container: ContainerID("c1"), containerizer: .process),
            framework: AgentConversation.frameworkInfo(), agent: AgentID("a1"),
            run: AgentPaths(workDirectory: "/w").run(AgentID("a1"), key, ContainerID("c1")))
        let entries = environment.entries(for: launch)
        #expect(entries.contains("PATH=/usr/bin"))
        #expect(entries.contains("A=b=c"))
        #expect(entries.contains("MINI_CLUSTER_ID=c"))
        #expect(entries.contains("LIBPROCESS_IP=10.0.0.1"))
        #expect(entries.contains("MESOS_SANDBOX=/w/slaves/a1/frameworks/f1/executors/t1/runs/c1"))
        #expect(
            !entries.contains {
                $0.hasPrefix("MESOS_WORK_DIR") || $0.hasPrefix("LIBPROCESS_PORT") || $0.hasPrefix("MINI_ZK")
            })
    }

    @Test func `a supervisor's command line carries the task's own after two dashes`() {
        var info = AgentConversation.info("t1")
        let key = AgentConversation.key("t1")
        func arguments(_ info: V1TaskInfo) -> [String] {
            let launch = Launch(
                record: TaskRecord(key: key, info: info, container: ContainerID("c1"), containerizer: .process),
                framework: AgentConversation.frameworkInfo(), agent: AgentID("a1"),
                run: AgentPaths(workDirectory: "/w").run(AgentID("a1"), key, ContainerID("c1")))
            return ProcessContainerizer.arguments(launch, HostUser(user: 7, group: 8, groups: [8, 9]))
        }
        let run = "/w/meta/slaves/a1/frameworks/f1/runs/c1"
        #expect(
            arguments(info) == [
                "--record", "\(run).process", "--cwd",
                "/w/slaves/a1/frameworks/f1/executors/t1/runs/c1", "--user", "7:8:8,9", "--", "/bin/sh", "-c",
                "sleep 100",
            ])
        var limited = info
        var limit = V1RLimitInfo.RLimit()
        limit.type = .rlmtCore
        limited.container.rlimitInfo.rlimits = [limit]
        (limit.type, limit.soft, limit.hard) = (.rlmtNofile, 10, 20)
        limited.container.rlimitInfo.rlimits.append(limit)
        let options = arguments(limited)
        #expect(
            options.drop { $0 != "--rlimit" }.prefix { $0 != "--" } == [
                "--rlimit", "4:\(UInt64.max):\(UInt64.max)", "--rlimit", "7:10:20",
            ])
        #expect(
            ProcessContainerizer.container(in: ["x"] + arguments(info), below: "/w/meta/slaves/a1/")
                == ContainerID("c1"))
        #expect(
            ProcessContainerizer.container(
                in: ["x", "--status", "/w/meta/slaves/a1/frameworks/f1/executors/e/runs/c2/status", "--pid", "p"],
                below: "/w/meta/slaves/a1/") == ContainerID("c2"))
        info.command.shell = false
        info.command.value = "/bin/echo"
        info.command.arguments = ["echo", "a", "b"]
        #expect(arguments(info).suffix(3) == ["/bin/echo", "a", "b"])
    }

    @Test func `a task that ends while the agent looks around is not missed`() {
        let container = ContainerID("c1")
        var looks = 0
        let found = ProcessContainerizer.conditions(
            running: {
                looks += 1
                return looks == 1 ? [container] : []
            },
            ended: {
                looks += 1
                return looks == 1 ? [] : [container]
            })
        #expect(found == [ObservedContainer(id: container, condition: .exited)])
    }

    @Test(arguments: [
        ("0\n", ContainerExit.exited(status: 0)), ("768\n", .exited(status: 3)),
        ("9\n", .signaled(signal: 9, coreDumped: false)), ("139\n", .signaled(signal: 11, coreDumped: true)),
        ("failed 8 2 No such file or directory\n", .notStarted("cannot execute prog: No such file or directory")),
        ("failed 5 13 x\n", .notStarted("cannot enter the sandbox of prog: Permission denied")),
        ("12 345\n768 1 2 3\n", .exited(status: 3)), ("12 345\n9 0 0 0\n", .signaled(signal: 9, coreDumped: false)),
    ])
    func `a supervisor's status file says how the task ended`(text: String, exit: ContainerExit) {
        #expect(SupervisorStatus.parse(Array(text.utf8), program: "prog") == exit)
    }

    @Test(arguments: [
        "", "x", "1 2", "failed", "failed 99 1 x", "failed x y z", "12 345\n", "12 345\n768 1 2", "1 2\n3 4 5\n",
    ])
    func `a status file that says something else says nothing`(text: String) {
        #expect(SupervisorStatus.parse(Array(text.utf8), program: "prog") == nil)
    }
}
