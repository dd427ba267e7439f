// An existing install's /etc and the names of Apache Mesos's programs start a cluster, and mistakes in it are named.

import DevCluster
import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct TakeoverTests {
    /// A host's /etc as the Mesosphere packages leave it, and links with the names of Apache Mesos's programs.
    private struct OldHost {
        let root: String
        var etc: String { root + "/etc" }

        init() throws {
            root = try makeTemporaryDirectory(named: "takeover")
            for name in ["mesos-master", "mesos-slave", "mesos-agent", "mesos-execute"] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(root)/\(name)", withDestinationPath: builtProduct("mini"))
            }
        }

        func write(_ path: String, _ content: String) throws {
            let file = URL(fileURLWithPath: "\(etc)/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.utf8).write(to: file)
        }

        func writeStock(zk: String) throws {
            try write("mesos/zk", zk + "\n")
            try write("default/mesos", "LOGS=\(root)/log\nULIMIT=\"-n 8192\"\n")
            try write("default/mesos-master", "PORT=0\nZK=`cat /etc/mesos/zk`\n")
            try write("default/mesos-slave", "MASTER=`cat /etc/mesos/zk`\n")
            try write("mesos-master/work_dir", "\(root)/master\n")
            try write("mesos-master/quorum", "1\n")
            try write("mesos-master/cluster", "old but good\n")
            try write("mesos-master/hostname", "127.0.0.1\n")
            try write("mesos-master/registry", "replicated_log\n")
            try write("mesos-slave/work_dir", "\(root)/slave\n")
            try write("mesos-slave/containerizers", "mesos\n")
            try write("mesos-slave/attributes/rack", "r1\n")
            try write("mesos-slave/attributes/zone", "z1\n")
            try write("mesos-slave/resources/cpus", "2\n")
            try write("mesos-slave/resources/mem", "512\n")
            try write("mesos-slave/?no-switch_user", "")
            try write("mesos-slave/executor_registration_timeout", "5mins\n")
        }

        /// Starts a program under its old name, with an environment of our own.
        func start(_ name: String, _ arguments: String..., environment: [String] = []) async throws -> ProgramRun {
            let path = SpawnRequest.ownEnvironment.filter { $0.hasPrefix("PATH=") || $0.hasPrefix("LD_LIBRARY_PATH=") }
            return try await ProgramRun.start(
                "\(root)/\(name)", arguments, environment: path + ["MINI_ETC_DIR=\(etc)"] + environment)
        }

        func remove() { try? FileManager.default.removeItem(atPath: root) }
    }

    private struct Flags: Decodable { var flags: [String: String] }

    private func stop(_ run: ProgramRun) async {
        run.process.send(signal: SIGTERM)
        _ = await run.end(within: .seconds(20))
        run.forget()
    }

    /// The port that a daemon's log names.
    private func port(_ run: ProgramRun, after words: String) async throws -> String {
        try await eventually("\(words) appears: \(run.errorText)", within: .seconds(30)) {
            guard let found = run.errorText.firstRange(of: words) else { return nil }
            let rest = run.errorText[found.upperBound...].prefix { !$0.isNewline && $0 != "," }
            return rest.split(separator: ":").last.map(String.init)
        }
    }

    @Test func `the files of an old install start a master and an agent that find each other and run a task`()
        async throws
    {
        let host = try OldHost()
        defer { host.remove() }
        try await withTestEnsemble(servers: 1) { ensemble in
            try host.writeStock(zk: ensemble.url(path: "/mesos"))
            try host.write("mesos-slave/advertise_ip", "192.0.2.7\n")
            try host.write("mesos-slave/runtime_dir", "\(host.root)/run\n")
            try host.write(
                "mesos-slave/default_container_info",
                #"{"type": "MESOS", "rlimit_info": {"rlimits": [{"type": "RLMT_NOFILE", "soft": 99, "hard": 99}]}}"#)
            let loopback = ["MESOS_IP=127.0.0.1"]
            let master = try await host.start("mesos-master", environment: loopback)
            let masterPort = try await port(master, after: " listens on ")
            let agent = try await host.start("mesos-slave", "--port=0", environment: loopback)
            let url = "http://127.0.0.1:\(masterPort)"
            try await eventually("the agent registers: \(master.errorText) \(agent.errorText)", within: .seconds(40)) {
                try await MasterState.read(url)?.slaves.contains { $0.active } ?? false
            }
            let state = try #require(await get("\(url)/master/state"))
            let text = String(decoding: state.body, as: UTF8.self)
            #expect(text.contains("\"cluster\":\"old but good\""))
            #expect(text.contains("\"rack\":\"r1\"") && text.contains("\"zone\":\"z1\""))
            #expect(text.contains("\"pid\":\"slave(1)@192.0.2.7:"))
            #expect(FileManager.default.fileExists(atPath: "\(host.root)/run"))
            #expect(try await MasterState.read(url)?.slaves.first?.resources.cpus == 2)

            let flags = try JSONDecoder().decode(
                Flags.self, from: Data(try #require(await get("\(url)/flags")).body)
            ).flags
            #expect(flags["quorum"] == "1")
            #expect(flags["log_dir"] == "\(host.root)/log")
            #expect(master.errorText.contains("--registry has no effect"))
            let log = try String(contentsOfFile: "\(host.root)/log/mini-master.log", encoding: .utf8)
            #expect(log.contains("listens on"))

            let run = try await host.start(
                "mesos-execute", "--master=127.0.0.1:\(masterPort)", "--name=hello",
                "--command=test \"$GREETING $(ulimit -n)\" = 'hi 99'", "--env={\"GREETING\":\"hi\"}",
                "--resources=cpus:0.1;mem:32")
            #expect(await run.end(within: .seconds(30)) == .exited(0), "\(run.errorText)")
            #expect(run.outputText.contains("Submitted task 'hello' to agent '"), "\(run.outputText)")
            #expect(
                run.outputText.contains("Received status update TASK_FINISHED for task 'hello'"), "\(run.outputText)")
            run.forget()
            await stop(agent)
            await stop(master)
        }
    }

    @Test func `only hosts on the whitelist are offered, as soon as the file says so`() async throws {
        let host = try OldHost()
        defer { host.remove() }
        try host.write("allowed", "elsewhere\n")
        let master = try await host.start(
            "mesos-master", "--ip=127.0.0.1", "--port=0", "--work_dir=\(host.root)/m", "--whitelist=\(host.etc)/allowed"
        )
        let masterPort = try await port(master, after: " listens on ")
        let agent = try await host.start(
            "mesos-agent", "--ip=127.0.0.1", "--port=0", "--work_dir=\(host.root)/a",
            "--master=127.0.0.1:\(masterPort)",
            "--hostname=here", "--containerizers=process", "--no-switch_user", "--resources=cpus:2;mem:512")
        try await eventually("the agent registers", within: .seconds(30)) {
            try await MasterState.read("http://127.0.0.1:\(masterPort)")?.slaves.contains { $0.active } ?? false
        }
        let run = try await host.start(
            "mesos-execute", "--master=127.0.0.1:\(masterPort)", "--name=t", "--command=true",
            "--resources=cpus:0.1;mem:32")
        try await eventually("the framework subscribes", within: .seconds(10)) {
            run.outputText.contains("Subscribed with ID")
        }
        try await Task.sleep(for: .seconds(1))
        #expect(!run.outputText.contains("Submitted"))
        try host.write("allowed", "elsewhere\nhere\n")
        #expect(await run.end(within: .seconds(20)) == .exited(0), "\(run.errorText)")
        #expect(run.outputText.contains("TASK_FINISHED"), "\(run.outputText)")
        run.forget()
        await stop(agent)
        await stop(master)
    }

    @Test func `a mistake in a file is named with its path, and a mistyped name with the nearest known one`()
        async throws
    {
        let host = try OldHost()
        defer { host.remove() }
        try host.writeStock(zk: "zk://127.0.0.1:1/mesos")
        try host.write("mesos-master/quorum", "two\n")
        try host.write("mesos-master/quorm", "2\n")
        let refused = try await host.start("mesos-master")
        #expect(await refused.end(within: .seconds(10)) == .exited(2))
        #expect(refused.errorLines.count == 1)
        #expect(
            refused.errorText
                == "mesos-master: --quorum: expected a whole number from 1 to 2147483647, found 'two' "
                + "(\(host.etc)/mesos-master/quorum)\n")
        refused.forget()

        let explained = try await host.start("mesos-master", "--help")
        #expect(await explained.end(within: .seconds(10)) == .exited(0))
        #expect(explained.outputText.contains("--agent_reregister_timeout=<duration>"))
        explained.forget()

        let explanation = try await explain(host, "master")
        #expect(explanation.end == .exited(2))
        #expect(
            explanation.output.contains(
                "warning: \(host.etc)/mesos-master/quorm: unknown flag 'quorm', ignored; the nearest known flag is quorum"
            ))
        #expect(explanation.output.contains("error: --quorum: expected a whole number"))
    }

    @Test func `an explanation names the origin of each value`() async throws {
        let host = try OldHost()
        defer { host.remove() }
        try host.writeStock(zk: "zk://10.0.0.1:2181/mesos")
        let explanation = try await explain(
            host, "agent", "--port=5", environment: ["MESOS_PORT=6", "MESOS_HOSTNAME=h"])
        #expect(explanation.end == .exited(0))
        let given = explanation.output.split(separator: "\n").filter { !$0.hasSuffix("  default") }
            .map { $0.replacing(host.root, with: "").split(separator: " ").joined(separator: " ") }
        #expect(
            given == [
                "FLAG VALUE ORIGIN",
                "attributes rack:r1;zone:z1 /etc/mesos-slave/attributes/*",
                "containerizers mesos /etc/mesos-slave/containerizers",
                "etc_dir /etc MINI_ETC_DIR in the environment",
                "executor_registration_timeout 5mins /etc/mesos-slave/executor_registration_timeout",
                "hostname h MESOS_HOSTNAME in the environment",
                "log_dir /log LOGS in /etc/default/mesos",
                "master zk://10.0.0.1:2181/mesos /etc/mesos/zk",
                "port 5 --port on the command line (not MESOS_PORT in the environment)",
                "resources cpus:2;mem:512 /etc/mesos-slave/resources/*",
                "switch_user false /etc/mesos-slave/?no-switch_user",
                "work_dir /slave /etc/mesos-slave/work_dir",
                "Files of a Mesos installation are looked for in /etc.",
            ])
    }

    @Test(arguments: ["mesos-master", "mesos-agent", "mesos-slave", "mesos-execute"])
    func `an old name answers with the version of Mesos, and with its own name in errors`(name: String) async throws {
        let host = try OldHost()
        defer { host.remove() }
        let version = try await host.start(name, "--version")
        #expect(await version.end(within: .seconds(10)) == .exited(0))
        #expect(version.outputText.hasPrefix("mesos 1.11.0\n"))
        version.forget()
        let help = try await host.start(name, "--help")
        #expect(await help.end(within: .seconds(10)) == .exited(0))
        #expect(help.outputText.contains("USAGE: \(name) "))
        help.forget()
        let mistake = try await host.start(name, "--masterr=x")
        #expect(await mistake.end(within: .seconds(10)) == .exited(2))
        #expect(mistake.errorText.hasPrefix("\(name): Failed to load unknown flag 'masterr'"), "\(mistake.errorText)")
        #expect(mistake.errorLines.count == 1)
        mistake.forget()
    }

    private func explain(
        _ host: OldHost, _ daemon: String, _ flags: String..., environment: [String] = []
    ) async throws -> (end: ProcessEnd, output: String) {
        let run = try await ProgramRun.start(
            builtProduct("mini"), ["config", "explain", daemon] + flags,
            environment: ["MINI_ETC_DIR=\(host.etc)"] + environment)
        defer { run.forget() }
        return (await run.end(within: .seconds(10)), run.outputText)
    }
}
