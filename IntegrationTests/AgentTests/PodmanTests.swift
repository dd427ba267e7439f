// Tasks in Podman, whose service answers the calls of a Docker engine.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct PodmanTests {
    /// Runs `body` with the socket of a Podman service of the test's own.
    private func withPodman(_ body: (String) async throws -> Void) async throws {
        let directory = "/tmp/mini-podman-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // Limits that need no privilege: Podman's own are higher than a container of tests may set.
        try "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n".write(
            toFile: "\(directory)/containers.conf", atomically: true, encoding: .utf8)
        let socket = "\(directory)/podman.sock"
        let podman = try OwnProcess(
            "/usr/bin/podman",
            [
                "--root", "\(directory)/root", "--runroot", "\(directory)/run", "--tmpdir", "\(directory)/tmp",
                "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime",
                "runc", "system", "service", "--time=0", "unix://\(socket)",
            ], environment: ["CONTAINERS_CONF": "\(directory)/containers.conf"], log: "\(directory)/log")
        func clean() {
            podman.end()
            let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
            let paths = mounts.split(separator: "\n").compactMap {
                $0.split(separator: " ").dropFirst().first.map(String.init)
            }
            for path in paths.filter({ $0.hasPrefix(directory) }).sorted(by: >) { umount2(path, Int32(MNT_DETACH)) }
            try? FileManager.default.removeItem(atPath: directory)
        }
        do {
            try await wait("Podman's service; see \(directory)/log") {
                (try? await BusyboxImage.call("GET", "/_ping", socket: socket))?.status == 200 ? true : nil
            }
            let image = try await BusyboxImage.saved()
            let reply = try await BusyboxImage.call("POST", "/v1.41/images/load", body: image, socket: socket)
            guard reply.status == 200 else { throw Timeout(description: "Podman took no image: \(reply.text)") }
            try await body(socket)
        } catch {
            clean()
            throw error
        }
        clean()
    }

    @Test func `tasks run, print, fail and are killed in Podman as they do in Docker`() async throws {
        try await BusyboxImage.provide()
        try await withPodman { socket in
            try await AgentHost.with(dockerSocket: socket) { host in
                host.master.run(
                    AgentHost.docker(
                        "ok", "printf 'out\\377\\n'; echo err >&2; echo note > $MESOS_SANDBOX/note; exit 3"))
                let end = try await host.master.end(of: "ok")
                #expect(end.message == "Container exited with status 3")
                #expect(host.master.states(of: "ok") == [.taskStarting, .taskRunning, .taskFailed])
                #expect(try await host.read("stderr", of: "ok") == "err\n")
                #expect(try await host.read("note", of: "ok") == "note\n")
                host.master.run(AgentHost.docker("long", "trap 'exit 9' TERM; while true; do sleep 0.1; done"))
                _ = try await host.master.update("long", .taskRunning)
                await host.stop()
                try await host.start()
                host.master.kill("long", grace: .seconds(10))
                #expect(try await host.master.end(of: "long").state == .taskKilled)
                try await wait("the containers' removal") { try await host.containers().isEmpty ? true : nil }
            }
        }
    }
}

extension BusyboxImage {
    /// The image as an archive that another engine can load.
    fileprivate static func saved() async throws -> [UInt8] {
        let reply = try await call("GET", "/images/\(name)/get")
        guard reply.status == 200 else { throw Timeout(description: "the image cannot be saved: \(reply.text)") }
        return reply.body
    }
}
