// What of a cluster is to be found on this host: processes, containers, folders. Looks by itself, not with DevCluster.

import Foundation
import Glibc
import HTTPClient

/// One cluster's traces: everything that inherited its mark, or works in its folder.
struct HostLook: Sendable {
    /// Environment variable that the tests give to `mini up` and that everything it starts inherits.
    static let markName = "MINI_CLUSTER_TEST"
    static let dockerSocket = "/var/run/docker.sock"

    var mark: String
    var directory: String

    /// One line for each thing that is there.
    func leftovers() async throws -> [String] {
        let containers = try await containers().map { "container \($0.id)" }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return processes().map { "process \($0)" } + containers + files.sorted().map { "\(directory)/\($0)" }
    }

    /// Command lines, with their pids, of the live processes that belong to the cluster.
    func processes() -> [String] {
        pids().compactMap { pid in
            guard Self.belongs(pid, mark: mark, directory: directory) else { return nil }
            return "\(pid): \(Self.arguments(of: pid).joined(separator: " ").prefix(200))"
        }
    }

    struct Container: Equatable, Sendable {
        var id: String
        /// `running`, `exited`, ...
        var state: String
    }

    /// The engine's containers whose agent works below the cluster's folder.
    func containers() async throws -> [Container] {
        let filters =
            #"{"label":["org.mini-mesos.work_dir"]}"#.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        var request = HTTPClientRequest(url: "http://docker/containers/json?all=1&filters=\(filters)")
        request.unixSocketPath = Self.dockerSocket
        request.totalTimeout = .seconds(20)
        let reply = try await HTTPClient.shared.fetch(request)
        struct Entry: Decodable {
            var id: String
            var state: String
            var labels: [String: String]
            enum CodingKeys: String, CodingKey { case id = "Id", state = "State", labels = "Labels" }
        }
        return try JSONDecoder().decode([Entry].self, from: Data(reply.body))
            .filter { $0.labels["org.mini-mesos.work_dir"]?.hasPrefix(directory) == true }
            .map { Container(id: $0.id, state: $0.state) }
    }

    private func pids() -> [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
            .filter { $0 != getpid() }.sorted()
    }

    private static func belongs(_ pid: pid_t, mark: String, directory: String) -> Bool {
        // A zombie has neither arguments nor environment.
        if environment(of: pid).contains("\(markName)=\(mark)") { return true }
        if arguments(of: pid).contains(where: { $0.contains("\(directory)/") }) { return true }
        let workingDirectory = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
        return workingDirectory?.hasPrefix("\(directory)/") == true
    }

    // MARK: One process

    static func arguments(of pid: pid_t) -> [String] { strings(inFile: "/proc/\(pid)/cmdline") }

    static func environment(of pid: pid_t) -> [String] { strings(inFile: "/proc/\(pid)/environ") }

    static func isAlive(_ pid: pid_t) -> Bool { !arguments(of: pid).isEmpty }

    /// Resident memory in MiB.
    static func residentMiB(of pid: pid_t) -> Int? {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = Int(line.filter { $0.isASCII && $0.isNumber })
        else { return nil }
        return kibibytes / 1024
    }

    private static func strings(inFile path: String) -> [String] {
        guard let content = FileManager.default.contents(atPath: path) else { return [] }
        return content.split(separator: 0, omittingEmptySubsequences: true).map { String(decoding: $0, as: UTF8.self) }
    }
}
