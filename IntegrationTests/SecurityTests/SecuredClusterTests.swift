// Masters, agents and clients as programs, with credentials, rules and TLS: who gets in, and what the outside sees.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import MesosProtocol
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(4))) struct SecuredClusterTests {
    /// Secrets that must never be seen anywhere.
    private static let canaries = ["CANARY-ops-4711", "CANARY-agent-4712", "CANARY-ci-4713", "CANARY-http-4714"]

    private func credentials(_ directory: String) throws -> String {
        try write(
            """
            {"credentials": [{"principal": "ops", "secret": "\(Self.canaries[0])"},
              {"principal": "agent", "secret": "\(Self.canaries[1])"},
              {"principal": "ci", "secret": "\(Self.canaries[2])"}]}
            """, to: directory + "/credentials")
    }

    private func get(
        _ url: String, as who: (String, String)? = nil, tls: HTTPClient = .shared
    ) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(url: url, totalTimeout: .seconds(10))
        if let who { request.headers.append(basic(who.0, who.1)) }
        return try await tls.fetch(request)
    }

    private func post(
        _ url: String, _ body: String, as who: (String, String)? = nil, type: String = "application/json"
    ) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(method: "POST", url: url, body: Array(body.utf8), totalTimeout: .seconds(10))
        request.headers.append(("Content-Type", type))
        if let who { request.headers.append(basic(who.0, who.1)) }
        return try await HTTPClient.shared.fetch(request)
    }

    /// What an operator's event stream begins with.
    private func firstRecord(_ url: String, as who: (String, String)) async throws -> String {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(
                method: "POST", url: url,
                headers: [("Content-Type", "application/json"), ("Accept", "application/json"), basic(who.0, who.1)],
                body: Array(#"{"type":"SUBSCRIBE"}"#.utf8)))
        #expect(response.status == 200)
        var decoder = RecordIODecoder()
        for try await chunk in response.body {
            decoder.append(chunk)
            if let record = try decoder.next() { return String(decoding: record, as: UTF8.self) }
        }
        return ""
    }

    /// A controller, and the Jenkins framework against a master whose authority only it is told of.
    private func startJenkins(
        at master: Node, trusting certificate: String, secretFile: String, _ directory: String
    ) async throws -> [RunningCommand] {
        let users = try write("mesos:password:token\n", to: directory + "/users")
        let controller = try await startCommand(
            builtProduct("mini"), ["practice-jenkins", "--port=0", "--users_file=\(users)"])
        let port = try await eventually("the controller answers: \(controller.output)", within: .seconds(20)) {
            controller.output.firstMatch(of: /answers at http:\/\/127.0.0.1:(\d+)/).map { String($0.1) }
        }
        let token = try write("token\n", to: directory + "/token")
        let configuration = try write(
            """
            stateDir: \(directory)/jenkins
            status: {ip: 127.0.0.1, port: 0}
            jenkins: {url: "http://127.0.0.1:\(port)/", user: mesos, tokenFile: \(token)}
            mesos:
              master: "127.0.0.1:\(master.port)"
              frameworkName: Jenkins over TLS
              principal: ci
              secretFile: \(secretFile)
              tls: {caFile: \(certificate)}
            templates:
              - name: linux
                launch: {method: java}
            """, to: directory + "/jenkins.yaml")
        return [controller, try await startCommand(builtProduct("mini"), ["jenkins", "--config=\(configuration)"])]
    }

    private let everyone = [
        "--authenticate_http_frameworks", "--authenticate_agents", "--authenticate_http_readonly",
        "--authenticate_http_readwrite",
    ]

    @Test func `every realm asks for a principal, and health asks nobody`() async throws {
        try await withNodes { directory, start in
            let master = try await start(
                [
                    "master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0",
                    "--credentials=\(try credentials(directory))",
                ] + everyone, [:])
            let url = "http://127.0.0.1:\(master.port)"
            let paths: [(String, String?)] = [
                ("/health", nil), ("/version", nil), ("/master/health", nil), ("/redirect", nil),
                ("/state", "mesos-master-readonly"), ("/master/state.json", "mesos-master-readonly"),
                ("/flags", "mesos-master-readonly"), ("/metrics/snapshot", "mesos-master-readonly"),
                ("/teardown", "mesos-master-readwrite"), ("/api/v1", "mesos-master-readwrite"),
                ("/weights", "mesos-master-readwrite"), ("/no/such/path", "mesos-master-readwrite"),
                ("/api/v1/scheduler", "mesos-master-scheduler"), ("/api/v1/agent-link", "mesos-master-agent"),
            ]
            for (path, realm) in paths {
                let reply = try await get(url + path)
                guard let realm else {
                    #expect(reply.status != 401, "\(path)")
                    continue
                }
                #expect(reply.status == 401, "\(path)")
                #expect(reply.header("WWW-Authenticate") == "Basic realm=\"\(realm)\"", "\(path)")
                #expect(try await get(url + path, as: ("ops", "wrong")).status == 401, "\(path)")
                #expect(try await get(url + path, as: ("nobody", Self.canaries[0])).status == 401, "\(path)")
                #expect(try await get(url + path, as: ("ops", Self.canaries[0])).status != 401, "\(path)")
            }
            let lines = master.lines(with: "refused GET /state from 'ops' at 127.0.0.1:", "wrong secret")
            #expect(lines.count == 1, "\(master.log)")
        }
    }

    @Test func `a whole cluster over TLS and with principals runs a task`() async throws {
        try await withNodes { directory, start in
            let authority = try await TestAuthority.make(in: directory)
            let pair = try await authority.issue("cluster")
            let tls = [
                "--tls_cert_file=\(pair.certificate)", "--tls_key_file=\(pair.key)",
                "--tls_ca_file=\(authority.certificate)",
            ]
            let master = try await start(
                [
                    "master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0", "--hostname=localhost",
                    "--credentials=file://\(try credentials(directory))",
                ] + everyone + tls, [:])
            let httpCredentials = try write(
                #"{"credentials": [{"principal": "ci", "secret": "\#(Self.canaries[2])"}, {"principal": "ops", "secret": "\#(Self.canaries[0])"}]}"#,
                to: directory + "/http")
            let agent = try await start(
                [
                    "agent", "--master=127.0.0.1:\(master.port)", "--work_dir=\(directory)/a", "--ip=127.0.0.1",
                    "--port=0", "--hostname=localhost", "--containerizers=process", "--resources=cpus:2;mem:512",
                    "--no-switch_user", "--credential=\(try write("agent \(Self.canaries[1])", to: directory + "/c"))",
                    "--http_credentials=\(httpCredentials)", "--authenticate_http_readonly",
                    "--authenticate_http_readwrite",
                ] + tls, [:])
            let secret = try write(Self.canaries[2] + "\n", to: directory + "/secret")
            let arguments = [
                "run", "--master=https://127.0.0.1:\(master.port)", "--principal=ci", "--secret_file=\(secret)",
                "--tls_ca_file=\(authority.certificate)", "--", "sh", "-c", "echo over TLS; exit 4",
            ]
            let run = try await runCommand(builtProduct("mini"), arguments, within: .seconds(60))
            #expect(run.end == .exited(4), "\(run)\n\(master.log)\n\(agent.log)")
            #expect(run.output.contains("over TLS\n"))

            let client = HTTPClient(tls: ClientTLS(caFile: authority.certificate))
            let ops = ("ops", Self.canaries[0])
            let jenkins = try await startJenkins(
                at: master, trusting: authority.certificate, secretFile: secret, directory)
            try await eventually("the Jenkins framework is there: \(jenkins[1].output)", within: .seconds(30)) {
                let text = try await get("https://localhost:\(master.port)/frameworks", as: ops, tls: client).text
                return text.contains("\"Jenkins over TLS\"") && text.contains("\"principal\":\"ci\"")
            }
            for command in jenkins.reversed() {
                command.process.send(signal: SIGTERM)
                _ = await command.finished(within: .seconds(10))
                #expect(!command.output.contains("CANARY"))
            }

            // Nothing that either program shows or writes holds a secret.
            var seen = master.log + agent.log + run.output
            for path in ["/state", "/flags", "/metrics/snapshot", "/slaves", "/frameworks", "/version", "/nothing"] {
                seen += try await get("https://localhost:\(master.port)\(path)", as: ops, tls: client).text
                seen += try await get("https://localhost:\(agent.port)\(path)", as: ops, tls: client).text
            }
            var flags = HTTPClientRequest(
                method: "POST", url: "https://localhost:\(master.port)/api/v1",
                body: Array(#"{"type":"GET_FLAGS"}"#.utf8))
            flags.headers = [("Content-Type", "application/json"), basic(ops.0, ops.1)]
            seen += try await client.fetch(flags).text
            flags.headers[1] = basic("ops", Self.canaries[3])
            seen += try await client.fetch(flags).text
            for canary in Self.canaries {
                #expect(!seen.contains(canary))
                #expect(!seen.contains(Data(":\(canary)".utf8).base64EncodedString().dropFirst(4).dropLast(4)))
            }
            #expect(seen.contains("\(directory)/credentials"), "the flag's path may be shown")

            // Plain text and a stranger's certificate, on the same ports.
            for node in [master, agent] {
                let reply = try await get("http://127.0.0.1:\(node.port)/state")
                #expect(reply.status == 400 && reply.text.contains("HTTPS"))
                #expect(node.lines(with: "127.0.0.1:", "sent plain text to a TLS port").count == 1, "\(node.log)")
            }
        }
    }

    @Test func `an agent without the right credential is refused, and both sides say so`() async throws {
        try await withNodes { directory, start in
            let master = try await start(
                [
                    "master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0", "--authenticate_agents",
                    "--credentials=\(try credentials(directory))",
                ], [:])
            let agent = try await start(
                [
                    "agent", "--master=127.0.0.1:\(master.port)", "--work_dir=\(directory)/a", "--ip=127.0.0.1",
                    "--port=0",
                    "--containerizers=process", "--credential=\(try write("agent wrong", to: directory + "/c"))",
                ], [:])
            try await eventually("the master refuses it", within: .seconds(20)) {
                !master.lines(with: "refused POST /api/v1/agent-link from 'agent' at 127.0.0.1:", "wrong secret")
                    .isEmpty
            }
            try await eventually("the agent hears of it", within: .seconds(20)) {
                !agent.lines(with: "the master answered 401").isEmpty
            }
        }
    }

    @Test func `an agent refuses a master whose certificate has expired`() async throws {
        try await withNodes { directory, start in
            let authority = try await TestAuthority.make(in: directory)
            let late = try await authority.issue("late-master", days: -1)
            let master = try await start(
                [
                    "master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0",
                    "--tls_cert_file=\(late.certificate)", "--tls_key_file=\(late.key)",
                ], [:])
            #expect(!master.lines(with: "the certificate of 'late-master' has expired").isEmpty, "\(master.log)")
            let agent = try await start(
                [
                    "agent", "--master=127.0.0.1:\(master.port)", "--work_dir=\(directory)/a", "--ip=127.0.0.1",
                    "--port=0",
                    "--containerizers=process", "--tls_ca_file=\(authority.certificate)",
                ], [:])
            try await eventually("the agent says why", within: .seconds(20)) {
                !agent.lines(with: "certificate has expired").isEmpty
            }
            try await eventually("the master says who", within: .seconds(20)) {
                !master.lines(with: "127.0.0.1:", "refuses our certificate: it has expired").isEmpty
            }
        }
    }

    @Test func `libprocess's environment switches TLS on`() async throws {
        try await withNodes { directory, start in
            let authority = try await TestAuthority.make(in: directory)
            let pair = try await authority.issue("cluster")
            let master = try await start(
                ["master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0"],
                [
                    "LIBPROCESS_SSL_ENABLED": "true", "LIBPROCESS_SSL_CERT_FILE": pair.certificate,
                    "LIBPROCESS_SSL_KEY_FILE": pair.key, "LIBPROCESS_SSL_CA_FILE": authority.certificate,
                    "LIBPROCESS_SSL_REQUIRE_CERT": "true",
                ])
            let own = try await authority.issue("operator")
            let client = HTTPClient(
                tls: ClientTLS(
                    caFile: authority.certificate, certificateFile: own.certificate, keyFile: own.key))
            #expect(try await get("https://127.0.0.1:\(master.port)/health", tls: client).status == 200)
            let stranger = HTTPClient(tls: ClientTLS(caFile: authority.certificate))
            await #expect(throws: HTTPClientError.self) {
                try await get("https://127.0.0.1:\(master.port)/health", tls: stranger)
            }
            try await eventually("the master says why") {
                !master.lines(with: "127.0.0.1:", "has no certificate, and this port requires one").isEmpty
            }
        }
    }

    @Test func `rules decide who may use a role, run as whom, tear down and register agents`() async throws {
        try await withNodes { directory, start in
            let rules = try write(
                """
                {"register_frameworks": [{"principals": {"values": ["ci"]}, "roles": {"values": ["ci"]}},
                   {"principals": {"type": "ANY"}, "roles": {"type": "NONE"}}],
                 "run_tasks": [{"principals": {"type": "ANY"}, "users": {"values": ["alice"]}},
                   {"principals": {"type": "ANY"}, "users": {"type": "NONE"}}],
                 "register_agents": [{"principals": {"values": ["agent"]}, "agents": {"type": "ANY"}},
                   {"principals": {"type": "ANY"}, "agents": {"type": "NONE"}}],
                 "view_flags": [{"principals": {"type": "ANY"}, "flags": {"type": "NONE"}}],
                 "view_frameworks": [{"principals": {"values": ["ops"]}, "users": {"type": "ANY"}},
                   {"principals": {"type": "ANY"}, "users": {"type": "NONE"}}],
                 "teardown_frameworks": [{"principals": {"type": "ANY"}, "framework_principals": {"type": "NONE"}}],
                 "update_weights": [{"principals": {"type": "ANY"}, "roles": {"type": "NONE"}}]}
                """, to: directory + "/acls")
            let master = try await start(
                [
                    "master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0",
                    "--credentials=\(try credentials(directory))", "--acls=\(rules)",
                ] + everyone, [:])
            let url = "http://127.0.0.1:\(master.port)"
            let agentArguments = [
                "agent", "--master=127.0.0.1:\(master.port)", "--ip=127.0.0.1", "--port=0",
                "--containerizers=process", "--resources=cpus:2;mem:512", "--no-switch_user",
            ]
            let refused = try await start(
                agentArguments + [
                    "--work_dir=\(directory)/a1",
                    "--credential=\(try write("ops \(Self.canaries[0])", to: directory + "/c1"))",
                ], [:])
            for node in [master, refused] {
                try await eventually("the refusal is said by both: \(node.log)", within: .seconds(20)) {
                    !node.lines(with: "Not authorized to register as agent as principal 'ops'").isEmpty
                }
            }
            _ = try await start(
                agentArguments + [
                    "--work_dir=\(directory)/a2",
                    "--credential=\(try write("agent \(Self.canaries[1])", to: directory + "/c2"))",
                ], [:])
            let secret = try write(Self.canaries[2], to: directory + "/secret")
            func run(_ role: String) async throws -> CommandRun {
                try await runCommand(
                    builtProduct("mini"),
                    [
                        "run", "--master=127.0.0.1:\(master.port)", "--principal=ci", "--secret_file=\(secret)",
                        "--role=\(role)", "--", "true",
                    ], within: .seconds(60))
            }
            let wrongRole = try await run("ops")
            #expect(!wrongRole.succeeded)
            #expect(wrongRole.output.contains("Not authorized to use roles '{ ops }'"), "\(wrongRole)")
            // The task's user is whoever runs this test, who is not alice.
            let wrongUser = try await run("ci")
            #expect(!wrongUser.succeeded)
            #expect(wrongUser.output.contains("Not authorized to launch as user"), "\(wrongUser)")

            // Subscribes, so that there is something to see and to tear down.
            let stream = try await HTTPClient.shared.execute(
                HTTPClientRequest(
                    method: "POST", url: url + "/api/v1/scheduler",
                    headers: [
                        ("Content-Type", "application/json"), ("Accept", "application/json"),
                        basic("ci", Self.canaries[2]),
                    ],
                    body: Array(
                        #"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"bob","name":"seen","role":"ci"}}}"#
                            .utf8)))
            #expect(stream.status == 200)
            let ops = ("ops", Self.canaries[0])
            let ci = ("ci", Self.canaries[2])
            // The operator API shows a framework once its addition has been told, the older documents as soon as it is there.
            let call = url + "/api/v1"
            try await eventually("ops sees the framework", within: .seconds(10)) {
                try await post(call, #"{"type":"GET_FRAMEWORKS"}"#, as: ops).text.contains("\"seen\"")
            }
            for path in ["/state", "/frameworks", "/state-summary"] {
                #expect(try await get(url + path, as: ops).text.contains("\"seen\""), "\(path)")
                let hidden = try await get(url + path, as: ci)
                #expect(hidden.status == 200 && !hidden.text.contains("\"seen\""), "\(path)")
            }
            #expect(try await !get(url + "/state", as: ops).text.contains("authenticate_agents"))
            #expect(try await get(url + "/flags", as: ops).status == 403)
            #expect(try await post(call, #"{"type":"GET_FLAGS"}"#, as: ops).status == 403)
            #expect(try await post(call, #"{"type":"GET_FRAMEWORKS"}"#, as: ops).text.contains("\"seen\""))
            #expect(try await !post(call, #"{"type":"GET_STATE"}"#, as: ci).text.contains("\"seen\""))
            #expect(try await firstRecord(call, as: ops).contains("\"seen\""))
            #expect(try await !firstRecord(call, as: ci).contains("\"seen\""))
            for list in ["GET_TASKS", "GET_EXECUTORS", "GET_OPERATIONS", "GET_FRAMEWORKS"] {
                let hidden = try await post(call, "{\"type\":\"\(list)\"}", as: ci)
                #expect(hidden.status == 200 && !hidden.text.contains("\"seen\""), "\(list)")
            }
            for (words, times) in [
                ("Not authorized to use roles '{ ops }'", 1), ("Not authorized to launch as user", 1),
                ("GET /flags from 'ops' at 127.0.0.1", 1), ("POST /api/v1 from 'ops' at 127.0.0.1", 1),
            ] {
                #expect(master.lines(with: words).count == times, "\(words): \(master.log)")
            }
            let weights = try await post(
                call, #"{"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[{"role":"ci","weight":2}]}}"#,
                as: ops)
            #expect(weights.status == 403 && weights.text.contains("update_weights"), "\(weights.text)")

            let state = try await get(url + "/frameworks", as: ops)
            let document = try JSONSerialization.jsonObject(with: Data(state.body)) as? [String: Any]
            let frameworks = document?["frameworks"] as? [[String: Any]]
            let id = try #require(frameworks?.first { $0["name"] as? String == "seen" }?["id"] as? String)
            let teardown = try await post(
                url + "/teardown", "frameworkId=\(id)", as: ops, type: "application/x-www-form-urlencoded")
            #expect(teardown.status == 403, "\(teardown.status) \(teardown.text)")
            #expect(teardown.text.contains("teardown_frameworks"))

            // Who proved to be one cannot claim to be another.
            let claim = try await post(
                url + "/api/v1/scheduler",
                #"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"bob","name":"x","principal":"ops"}}}"#,
                as: ci)
            #expect(claim.status == 400)
            #expect(
                claim.text
                    == "Failed to validate scheduler::Call: Authenticated principal 'ci' does not match principal "
                    + "'ops' set in `FrameworkInfo`")
            stream.body.cancel()
        }
    }

    @Test func `an agent's own rules decide who sees its tasks, its flags and its sandboxes`() async throws {
        try await withNodes { directory, start in
            let rules = try write(
                """
                {"view_frameworks": [{"principals": {"values": ["ops"]}, "users": {"type": "ANY"}},
                   {"principals": {"type": "ANY"}, "users": {"type": "NONE"}}],
                 "view_tasks": [{"principals": {"values": ["ops"]}, "users": {"type": "ANY"}},
                   {"principals": {"type": "ANY"}, "users": {"type": "NONE"}}],
                 "access_sandboxes": [{"principals": {"values": ["ops"]}, "users": {"type": "ANY"}},
                   {"principals": {"type": "ANY"}, "users": {"type": "NONE"}}],
                 "view_flags": [{"principals": {"values": ["ops"]}, "flags": {"type": "ANY"}},
                   {"principals": {"type": "ANY"}, "flags": {"type": "NONE"}}]}
                """, to: directory + "/acls")
            let master = try await start(["master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0"], [:])
            let agent = try await start(
                [
                    "agent", "--master=127.0.0.1:\(master.port)", "--ip=127.0.0.1", "--port=0",
                    "--containerizers=process", "--resources=cpus:2;mem:512", "--no-switch_user",
                    "--work_dir=\(directory)/a", "--http_credentials=\(try credentials(directory))",
                    "--acls=\(rules)", "--authenticate_http_readonly", "--authenticate_http_readwrite",
                ], [:])
            let task = try await startCommand(
                builtProduct("mini"),
                ["run", "--master=127.0.0.1:\(master.port)", "--name=hidden-task", "--", "sleep", "60"])
            let url = "http://127.0.0.1:\(agent.port)"
            let ops = ("ops", Self.canaries[0])
            let ci = ("ci", Self.canaries[2])
            try await eventually("the task runs: \(task.output)", within: .seconds(40)) {
                try await get(url + "/state", as: ops).text.contains("hidden-task")
            }
            let state = try await get(url + "/state", as: ops).text
            let found = state.firstMatch(of: /"directory":"([^"]+)"/).map { String($0.1) }
            let sandbox = try #require(found)
            // The task is shown while its sandbox is still being made.
            try await eventually("its sandbox can be read: \(sandbox)", within: .seconds(20)) {
                try await get(url + "/files/browse?path=" + sandbox, as: ops).status == 200
            }
            #expect(try await get(url + "/files/browse?path=" + sandbox, as: ci).status == 403)
            #expect(try await get(url + "/files/read?offset=0&path=" + sandbox + "/stdout", as: ci).status == 403)
            #expect(try await !get(url + "/state", as: ci).text.contains("hidden-task"))
            #expect(try await get(url + "/flags", as: ops).status == 200)
            #expect(try await get(url + "/flags", as: ci).status == 403)
            #expect(agent.lines(with: "GET /flags from 'ci' at 127.0.0.1", "not authorized").count == 1, "\(agent.log)")
            #expect(try await get(url + "/state").status == 401)
            for call in ["GET_TASKS", "GET_FRAMEWORKS", "GET_STATE"] {
                let body = "{\"type\":\"\(call)\"}"
                #expect(
                    try await post(url + "/api/v1", body, as: ops).text.contains("hidden-task")
                        || call == "GET_FRAMEWORKS")
                let answer = try await post(url + "/api/v1", body, as: ci)
                #expect(answer.status == 200 && !answer.text.contains("hidden-task"), "\(call)")
            }
            task.process.send(signal: SIGKILL)
            _ = await task.finished(within: .seconds(10))
        }
    }

    @Test func `calls beyond the rate wait, and beyond the capacity get 429`() async throws {
        try await withNodes { directory, start in
            let master = try await start(
                [
                    "master", "--work_dir=\(directory)/m", "--ip=127.0.0.1", "--port=0",
                    #"--rate_limits={"aggregate_default_qps": 1, "aggregate_default_capacity": 1}"#,
                    #"--firewall_rules={"disabled_endpoints": {"paths": ["/flags", "/files"]}}"#,
                ], [:])
            let url = "http://127.0.0.1:\(master.port)"
            try await eventually("it leads") { try await get(url + "/state").status == 200 }
            let statuses = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let reply = try await self.post(url + "/teardown", "frameworkId=x")
                        return (reply.status, reply.text)
                    }
                }
                var all: [(Int, String)] = []
                for try await answer in group { all.append(answer) }
                return all
            }
            #expect(statuses.filter { $0.0 == 400 }.count == 2, "\(statuses)")
            #expect(statuses.filter { $0.0 == 429 && $0.1.contains("capacity (1) exceeded") }.count == 2, "\(statuses)")
            #expect(try await get(url + "/state").status == 200, "reads are not limited")
            #expect(try await get(url + "/flags").status == 403)
            #expect(try await get(url + "/master/flags.json").status == 403)
            #expect(try await get(url + "/files/read?path=x").status == 403)
        }
    }

    @Test(arguments: [
        (["--authenticate_agents"], "--authenticate_agents needs --credentials"),
        (["--credentials=/none"], "--credentials"),
        (["--acls={\"run_task\": []}"], "did you mean 'run_tasks'?"),
        (["--acls={"], "--acls"),
        (["--rate_limits={\"limits\": 3}"], "limits: expected an array"),
        (["--firewall_rules=[]"], "--firewall_rules: expected"),
        (["--tls_cert_file=/none"], "--tls_key_file"),
        (["--tls_cert_file=/none", "--tls_key_file=/none"], "/none: No such file"),
    ])
    func `a mistake keeps a master from starting, with one line`(flags: [String], saying: String) async throws {
        let directories = TemporaryDirectories()
        let directory = try directories.make(named: "mistake")
        let run = try await runCommand(
            builtProduct("mini"), ["master", "--work_dir=\(directory)", "--ip=127.0.0.1", "--port=0"] + flags,
            within: .seconds(20))
        #expect(run.end == .exited(2), "\(run)")
        #expect(run.output.contains(saying), "\(run)")
        #expect(run.output.split(separator: "\n").count == 1, "\(run)")
    }
}
