// Process tasks in control groups of this host: held to their limits where the agent may make groups, said otherwise where
// it may not.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol
import MiniAgent
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct CgroupTaskTests {
    /// A folder of this test's own among the groups of the host.
    private let root = "mini-test-\(UUID().uuidString.prefix(8).lowercased())"

    private func with(
        _ body: (AgentHost, _ isolated: [String: String]) async throws -> Void
    ) async throws {
        try await AgentHost.with { host in
            await host.stop()
            var configuration = host.configuration
            configuration.isolation = ["cgroups/cpu", "cgroups/mem", "cgroups/pids"]
            configuration.cgroupsRoot = root
            configuration.cgroupsPidsMax = 40
            try await host.start(configuration)
            let state = try JSONSerialization.jsonObject(with: Data(try await host.get("/state").body))
            let isolation = (state as? [String: Any])?["process_isolation"] as? [String: String]
            try await body(host, isolation ?? [:])
        }
        for path in folders() {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] { rmdir("\(path)/\(name)") }
            rmdir(path)
        }
    }

    /// This test's folders, wherever the host mounts its groups.
    private func folders() -> [String] {
        (["/sys/fs/cgroup/\(root)"] + CgroupTaskTests.controllers.map { "/sys/fs/cgroup/\($0)/\(root)" })
            .filter { access($0, F_OK) == 0 }
    }

    private static let controllers = ["cpu", "memory", "pids", "freezer"]

    private func groups(of container: String) -> [String] {
        folders().map { "\($0)/\(container)" }.filter { access($0, F_OK) == 0 }
    }

    @Test func `a task is in its groups while it runs, and they go with it`() async throws {
        try await with { host, isolated in
            #expect(Set(isolated.keys) == ["cpu", "memory", "pids"])
            host.master.run(AgentHost.task("t", "cat /proc/self/cgroup > cgroup; exec sleep 600", cpus: 0.5))
            let running = try await host.master.update("t", .taskRunning)
            let container = running.containerStatus.containerID.value
            let text = try await wait("the task's look at its groups") {
                let text = try? await host.read("cgroup", of: "t")
                return text?.isEmpty == false ? text : nil
            }
            if isolated["cpu"]?.hasPrefix("cgroups") == true {
                #expect(text.contains("/\(root)/\(container)"))
                #expect(!groups(of: container).isEmpty)
            } else {
                // Not allowed here: then `/state` must say so, and why.
                #expect(isolated["cpu"]?.hasPrefix("not isolated: ") == true)
                #expect(groups(of: container) == [])
            }
            host.master.kill("t", grace: .zero)
            _ = try await host.master.end(of: "t")
            try await wait("the end of its groups", .seconds(10)) { groups(of: container).isEmpty ? true : nil }
        }
    }

    @Test func `a task that takes too much memory ends as such`() async throws {
        try await with { host, isolated in
            // `tail` keeps everything up to the first end of a line.
            host.master.run(AgentHost.task("hog", "head -c 400000000 /dev/zero | tail > /dev/null", mem: 16))
            let end = try await host.master.end(of: "hog", within: .seconds(60))
            if isolated["memory"]?.hasPrefix("cgroups") == true {
                #expect(end.state == .taskFailed)
                #expect(end.reason == .containerLimitationMemory)
                #expect(end.message.hasPrefix("Memory limit exceeded: Requested: 48MB"))
                #expect(end.limitation.resources.first?.name == "mem")
            } else {
                #expect(isolated["memory"]?.hasPrefix("not isolated: ") == true)
                #expect(end.state == .taskFinished)
            }
        }
    }

    @Test func `a fork bomb goes no further than the limit, and dies at once`() async throws {
        try await with { host, isolated in
            guard isolated["pids"]?.hasPrefix("cgroups") == true else {
                #expect(isolated["pids"]?.hasPrefix("not isolated: ") == true)
                return  // A bomb without a limit would hit the host.
            }
            let bomb = "b() { b | b & }; b; sleep 600"
            host.master.run(AgentHost.task("bomb", bomb))
            let running = try await host.master.update("bomb", .taskRunning)
            let group = groups(of: running.containerStatus.containerID.value).first { $0.contains("/pids/") }
            if let group {
                let count = String(
                    decoding: FileManager.default.contents(atPath: "\(group)/pids.current") ?? Data(), as: UTF8.self)
                #expect((Int(count.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) <= 40)
            }
            host.master.kill("bomb", grace: .zero)
            let end = try await host.master.end(of: "bomb")
            #expect(end.state == .taskKilled)
            try await wait("the end of its groups", .seconds(10)) {
                groups(of: running.containerStatus.containerID.value).isEmpty ? true : nil
            }
        }
    }

    @Test func `a task of an earlier life is still in its groups and goes with them`() async throws {
        try await with { host, isolated in
            host.master.run(AgentHost.task("t", "setsid sleep 600 & sleep 600"))
            let running = try await host.master.update("t", .taskRunning)
            let container = running.containerStatus.containerID.value
            let before = groups(of: container)
            await host.stop()
            #expect(groups(of: container) == before)
            var configuration = host.configuration
            configuration.isolation = ["cgroups/cpu", "cgroups/mem", "cgroups/pids"]
            configuration.cgroupsRoot = root
            try await host.start(configuration)
            host.master.kill("t", grace: .zero)
            #expect(try await host.master.end(of: "t").state == .taskKilled)
            try await wait("the end of its groups", .seconds(10)) { groups(of: container).isEmpty ? true : nil }
            #expect(isolated.count == 3)
        }
    }
}
