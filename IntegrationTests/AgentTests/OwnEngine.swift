// Engines and registries of a test's own, which it may stop, kill and start again.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport

/// A program that a test starts, and ends by its process id.
final class OwnProcess {
    private let process = Process()
    let log: String

    init(_ program: String, _ arguments: [String], environment: [String: String] = [:], log: String) throws {
        self.log = log
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Timeout(description: "\(program) is missing: scripts/install-packages tests installs it")
        }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let output = FileHandle(forWritingAtPath: log)
        output?.seekToEndOfFile()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    func end(_ number: Int32 = SIGTERM) {
        signal(SIGCONT)
        signal(number)
        // Foundation learns of an exit only when every descendant has ended, and containers outlive their engine.
        for _ in 0..<2000 where isAlive { usleep(5000) }
    }

    /// Neither gone nor a zombie.
    private var isAlive: Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let state = status.split(separator: ")").last?.split(separator: " ").first
        else { return false }
        return state != "Z"
    }

    var pid: pid_t { process.processIdentifier }
}

/// A dockerd with its own socket, data, containerd and network namespace: an engine without a bridge removes `docker0`, and
/// must not find the host's.
final class OwnEngine {
    let directory: String
    var socket: String { "\(directory)/docker.sock" }
    private let isWithinBounds: Bool
    private var process: OwnProcess?

    /// Runs `body` with an engine that answers; afterwards nothing of it is left.
    ///
    /// - Parameters:
    ///   - mebibytes: How large its disk is, a file system of its own in memory; nil: the host's.
    ///   - isWithinBounds: A privileged container gets the capabilities that this host has, where the usual engine wants all
    ///     that there are and starts none.
    static func with(
        mebibytes: Int? = nil, isWithinBounds: Bool = false, _ body: (OwnEngine) async throws -> Void
    ) async throws {
        // A path of a socket has 107 bytes at most.
        let engine = OwnEngine(
            directory: "/tmp/mini-engine-\(UUID().uuidString.prefix(8))", isWithinBounds: isWithinBounds)
        do {
            if let mebibytes { try engine.mountDisk(mebibytes) }
            try await engine.start()
            try await body(engine)
        } catch {
            await engine.clean()
            throw error
        }
        await engine.clean()
    }

    private init(directory: String, isWithinBounds: Bool) {
        self.directory = directory
        self.isWithinBounds = isWithinBounds
    }

    private func mountDisk(_ mebibytes: Int) throws {
        let path = "\(directory)/data"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
            throw Timeout(description: "cannot mount a tmpfs on \(path): \(String(cString: strerror(errno)))")
        }
    }

    func start() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var arguments = [
            "--net", "/usr/sbin/dockerd", "--data-root", "\(directory)/data", "--exec-root", "\(directory)/exec",
            "--pidfile", "\(directory)/docker.pid", "-H", "unix://\(socket)", "--live-restore", "--iptables=false",
            "--ip6tables=false", "--bridge=none",
        ]
        if isWithinBounds {
            let runtime = "\(repository)/IntegrationTests/engine/runc-within-bounds"
            arguments += ["--add-runtime", "within-bounds=\(runtime)", "--default-runtime", "within-bounds"]
        }
        process = try OwnProcess("/usr/bin/unshare", arguments, log: "\(directory)/log")
        try await wait("an engine of the test's own; see \(directory)/log") {
            // It takes connections long before it answers.
            var ping = HTTPClientRequest(url: "http://docker/_ping", unixSocketPath: self.socket)
            ping.totalTimeout = .seconds(1)
            return (try? await HTTPClient.shared.fetch(ping))?.status == 200 ? true : nil
        }
    }

    func freeze() { process?.signal(SIGSTOP) }
    func thaw() { process?.signal(SIGCONT) }

    /// As a crash would end it; its containers go on.
    func crash() {
        process?.end(SIGKILL)
        process = nil
        // Its containerd is left without a parent.
        for pid in containerds { kill(pid, SIGKILL) }
        // An orphan that nobody has reaped yet looks alive to the next engine.
        for file in ["docker.pid", "exec/containerd/containerd.pid"] {
            try? FileManager.default.removeItem(atPath: "\(directory)/\(file)")
        }
    }

    private var containerds: [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            let command = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let words = command.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.first?.hasSuffix("containerd") == true
                && words.contains { $0.hasPrefix("\(directory)/exec/containerd") }
        }
    }

    private func clean() async {
        thaw()
        if process == nil { try? await start() }
        if let reply = try? await BusyboxImage.call("GET", "/containers/json?all=1", socket: socket),
            let list = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [[String: Any]]
        {
            for container in list {
                _ = try? await BusyboxImage.call(
                    "DELETE", "/containers/\(container["Id"] as? String ?? "")?force=1", socket: socket)
            }
        }
        process?.end()
        for pid in containerds { kill(pid, SIGKILL) }
        let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
        let below = mounts.split(separator: "\n").compactMap {
            $0.split(separator: " ").dropFirst().first.map(String.init)
        }
        for path in below.filter({ $0.hasPrefix(directory) }).sorted(by: >) { umount2(path, Int32(MNT_DETACH)) }
        try? FileManager.default.removeItem(atPath: directory)
    }
}
