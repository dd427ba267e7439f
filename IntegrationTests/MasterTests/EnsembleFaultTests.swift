// Masters and a real ensemble that is slow, loses servers, or is restarted; and a leader that is frozen.

import DevCluster
import Glibc
import HTTPClient
import IntegrationSupport
import MesosProtocol
import MiniMaster
import Processes
import Testing
import ZooKeeper

extension RealEnsemble {
    @Suite struct EnsembleFaults {
        private let directories = TemporaryDirectories()

        @Test func `one lost server is nothing, a lost majority ends the term, and a restart brings everything back`()
            async throws
        {
            try await withTestEnsemble { ensemble in
                let lab = MasterLab(directories: directories, addresses: ensemble.addresses)
                let master = try await lab.start("/mesos")
                try await eventually("it leads") { try await master.leads() }
                try await master.subscribe("survivor")
                let leader = try #require(await ensemble.leader())
                let followers = ensemble.servers.filter { $0 != leader }
                await ensemble.kill(followers[0])
                try await Task.sleep(for: .seconds(1))
                try await eventually("it leads with two of three servers") { try await master.leads() }
                await ensemble.kill(followers[1])
                try await eventually("it steps down by its own clock", within: .seconds(3)) {
                    try await master.get("/master/state").status == 503
                }
                await ensemble.kill(leader)
                for server in ensemble.servers { try await ensemble.restart(server) }
                try await ensemble.waitUntilServing()
                let state = try await eventually("it leads again", within: .seconds(30)) {
                    let reply = try await master.get("/master/state")
                    return reply.status == 200 ? reply.text : nil
                }
                #expect(state.contains("survivor"))
                await master.stop()
            }
        }

        @Test func `a slow ensemble slows a leader down and does not depose it`() async throws {
            let proxies = try RealEnsemble.ensemble.clientPorts.map {
                try LoopbackProxy(toPort: UInt16($0), delay: .milliseconds(150))
            }
            defer { for proxy in proxies { proxy.close() } }
            let lab = MasterLab(directories: directories, addresses: proxies.map { "127.0.0.1:\($0.port)" })
            let master = try await lab.start("/slow/mesos")
            try await eventually("it leads", within: .seconds(20)) { try await master.leads() }
            let began = ContinuousClock.now
            try await master.subscribe("patient")
            #expect(began.duration(to: .now) >= .milliseconds(290), "the registry is asked over the slow way")
            for _ in 0..<30 {
                #expect(try await master.leads())
                try await Task.sleep(for: .milliseconds(100))
            }
            let session = try await MasterLab(directories: directories, addresses: try RealEnsemble.ensemble.addresses)
                .session()
            #expect(try await session.children("/slow/mesos").count == 1)
            await session.close()
            await master.stop()
        }

        @Test func `a leader frozen for longer than its session answers nothing as leader when it wakes`() async throws
        {
            let lab = try MasterLab(directories: directories, addresses: RealEnsemble.ensemble.addresses)
            let path = "/frozen/mesos"
            let first = try await RunningMasterProgram.start(lab, path)
            defer { first.kill() }
            try await eventually("it leads", within: .seconds(20)) { try await first.state() == 200 }
            let second = try await lab.start(path)
            let session = try await lab.session()
            first.freeze()
            try await eventually("the second leads", within: .seconds(10)) { try await second.leads() }
            try await second.subscribe("second's")
            let before = try await session.children("\(path)-registry/frameworks")
            // These calls wait in the frozen master's socket, and it reads them when it wakes.
            let asked = Task { try await first.subscribe() }
            try await Task.sleep(for: .seconds(1))
            first.thaw()
            let answer = try await asked.value
            #expect(answer == 307 || answer == 503, "a deposed leader took a framework in: \(answer)")
            try await eventually("it follows the second") { try await first.state() == 307 }
            #expect(try await session.children("\(path)-registry/frameworks") == before)
            #expect(try await second.leads())
            await session.close()
            await second.stop()
        }
    }
}

/// `mini master` as a program, which a signal can freeze.
private struct RunningMasterProgram {
    let command: RunningCommand
    let url: String

    static func start(_ lab: MasterLab, _ path: String) async throws -> RunningMasterProgram {
        let port = try LoopbackProxy.freePort()
        let command = try await startCommand(
            builtProduct("mini"),
            [
                "master", "--zk", "zk://\(lab.addresses.joined(separator: ","))\(path)", "--quorum", "1", "--ip",
                "127.0.0.1", "--port", "\(port)", "--no-hostname_lookup", "--zk_session_timeout", "2secs", "--work_dir",
                try lab.directories.make(named: "program"),
            ])
        return RunningMasterProgram(command: command, url: "http://127.0.0.1:\(port)")
    }

    func state() async throws -> Int? {
        do { return try await MasterServer.get(url + "/master/state").status } catch is HTTPClientError { return nil }
    }

    func subscribe() async throws -> Int {
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo.user = "root"
        call.subscribe.frameworkInfo.name = "late"
        var request = HTTPClientRequest(method: "POST", url: url + "/api/v1/scheduler")
        request.headers = [("Content-Type", MediaType.protobuf.rawValue), ("Accept", MediaType.protobuf.rawValue)]
        request.body = MediaType.protobuf.encode(call)
        return try await HTTPClient.shared.execute(request).status
    }

    func freeze() { command.process.send(signal: SIGSTOP) }
    func thaw() { command.process.send(signal: SIGCONT) }

    func kill() {
        command.process.send(signal: SIGKILL)
    }
}
