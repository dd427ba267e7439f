// Asks a Docker Engine about itself, and finds out how it was started.

import Foundation
import Glibc
import HTTPClient

enum EngineLook {
    private static let patience = 10

    static func look(at socket: String) async -> HostFacts.Engine {
        var engine = HostFacts.Engine(socket: socket, condition: .answers)
        switch await get("/info", socket) {
        case .failure(let fault):
            engine.condition = fault.condition
            return engine
        case .success(let info): read(info, into: &engine)
        }
        if case .success(let version) = await get("/version", socket) {
            if engine.version.isEmpty { engine.version = version["Version"] as? String ?? "" }
            let components = version["Components"] as? [[String: Any]] ?? []
            engine.isPodman = components.contains { ($0["Name"] as? String)?.contains("Podman") == true }
        }
        readStart(into: &engine)
        await probePlainPort(&engine)
        return engine
    }

    private struct Fault: Error { var condition: HostFacts.Engine.Condition }

    private static func get(_ path: String, _ socket: String) async -> Result<[String: Any], Fault> {
        if access(socket, F_OK) != 0 { return .failure(Fault(condition: errno == EACCES ? .denied : .absent)) }
        if access(socket, R_OK | W_OK) != 0 { return .failure(Fault(condition: .denied)) }
        let request = HTTPClientRequest(
            url: "http://docker\(path)", unixSocketPath: socket, totalTimeout: .seconds(patience))
        do {
            let reply = try await HTTPClient.shared.fetch(request)
            guard reply.status == 200 else { return .failure(Fault(condition: .failing("it answers \(reply.status)"))) }
            let object = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
            return object.map { .success($0) } ?? .failure(Fault(condition: .failing("it does not answer with JSON")))
        } catch {
            switch error {
            case .timedOut: return .failure(Fault(condition: .silent(seconds: patience)))
            default: return .failure(Fault(condition: .absent))
            }
        }
    }

    static func read(_ info: [String: Any], into engine: inout HostFacts.Engine) {
        engine.version = info["ServerVersion"] as? String ?? ""
        engine.storageDriver = info["Driver"] as? String ?? ""
        for pair in info["DriverStatus"] as? [[String]] ?? [] where pair.count == 2 {
            engine.storage[pair[0]] = pair[1]
        }
        engine.cgroupDriver = info["CgroupDriver"] as? String ?? ""
        engine.liveRestore = info["LiveRestoreEnabled"] as? Bool
        engine.warnings = info["Warnings"] as? [String] ?? []
        engine.rootFolder = info["DockerRootDir"] as? String
    }

    // MARK: How it was started

    private static func readStart(into engine: inout HostFacts.Engine) {
        var words: [String] = []
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in processes where process.allSatisfy(\.isNumber) {
            guard HostLook.text("/proc/\(process)/comm") == "dockerd",
                let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
            else { continue }
            let own = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            // Another engine of this host, with another socket, is none of ours.
            let sockets = own.filter { $0.contains("unix://") }
            if sockets.isEmpty || sockets.contains(where: { $0.hasSuffix(engine.socket) }) { words = own }
        }
        let file = value(of: "--config-file", in: words) ?? "/etc/docker/daemon.json"
        let options = FileManager.default.contents(atPath: file).flatMap {
            try? JSONSerialization.jsonObject(with: $0) as? [String: Any]
        }
        read(words, options ?? [:], into: &engine)
    }

    /// - Parameters:
    ///   - words: The command line of the engine.
    ///   - options: Its daemon.json.
    static func read(_ words: [String], _ options: [String: Any], into engine: inout HostFacts.Engine) {
        let isVerified =
            words.contains { $0 == "--tlsverify" || $0 == "--tlsverify=true" } || options["tlsverify"] as? Bool == true
        let hosts =
            values(of: "-H", in: words) + values(of: "--host", in: words) + (options["hosts"] as? [String] ?? [])
        if !isVerified { engine.openAddresses += hosts.filter { $0.hasPrefix("tcp://") } }
        let storage = values(of: "--storage-opt", in: words) + (options["storage-opts"] as? [String] ?? [])
        for option in storage where option.hasPrefix("dm.xfs_nospace_max_retries=") {
            engine.xfsRetries = Int(option.dropFirst("dm.xfs_nospace_max_retries=".count))
        }
    }

    private static func value(of name: String, in words: [String]) -> String? { values(of: name, in: words).first }

    /// `--name value`, `--name=value`, `-H value` and `-Hvalue`.
    private static func values(of name: String, in words: [String]) -> [String] {
        var found: [String] = []
        for (place, word) in words.enumerated() {
            if word == name, place + 1 < words.count {
                found.append(words[place + 1])
            } else if word.hasPrefix(name + "=") {
                found.append(String(word.dropFirst(name.count + 1)))
            } else if !name.hasPrefix("--"), word.hasPrefix(name), word.count > name.count {
                found.append(String(word.dropFirst(name.count)))
            }
        }
        return found
    }

    /// The port that Docker's documentation once named for everybody's use.
    private static func probePlainPort(_ engine: inout HostFacts.Engine) async {
        guard !engine.openAddresses.contains(where: { $0.hasSuffix(":2375") }) else { return }
        let request = HTTPClientRequest(
            url: "http://127.0.0.1:2375/_ping", connectTimeout: .seconds(1), totalTimeout: .seconds(2))
        guard let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200,
            reply.header("Api-Version") != nil || reply.header("Docker-Experimental") != nil
        else { return }
        engine.openAddresses.append("tcp://127.0.0.1:2375")
    }
}
