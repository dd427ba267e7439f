// Images from a real registry that wants to know who asks.

import Foundation
import Glibc
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

/// Debian's docker-registry on a free port of the loopback address, which engines trust without TLS.
private final class OwnRegistry {
    /// `ci` and `s3cret`, as htpasswd writes them.
    private static let passwords = "ci:$2b$04$K6265ijY9RfPj6Plk0tqQO235mb3dSRMcWuEGCt.36nCmx2kHfnpS\n"
    static let login = Data("ci:s3cret".utf8).base64EncodedString()
    private static let pushLogin = Data(#"{"username":"ci","password":"s3cret"}"#.utf8).base64EncodedString()

    let host: String
    private let directory: String
    private let process: OwnProcess
    var log: String { (try? String(contentsOfFile: process.log, encoding: .utf8)) ?? "" }

    static func with(_ body: (OwnRegistry) async throws -> Void) async throws {
        try await BusyboxImage.provide()
        let registry = try await OwnRegistry()
        do { try await body(registry) } catch {
            await registry.clean()
            throw error
        }
        await registry.clean()
    }

    private init() async throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("registry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let port = try Self.freePort()
        host = "127.0.0.1:\(port)"
        try Self.passwords.write(toFile: "\(directory)/htpasswd", atomically: true, encoding: .utf8)
        try """
        version: 0.1
        log: {level: info, accesslog: {disabled: false}}
        storage: {filesystem: {rootdirectory: \(directory)/data}, delete: {enabled: true}}
        http: {addr: "\(host)"}
        auth: {htpasswd: {realm: test, path: \(directory)/htpasswd}}
        """.write(toFile: "\(directory)/config.yml", atomically: true, encoding: .utf8)
        process = try OwnProcess(
            "/usr/bin/docker-registry", ["serve", "\(directory)/config.yml"], log: "\(directory)/log")
        let host = host
        try await wait("the registry") {
            var request = HTTPClientRequest(url: "http://\(host)/v2/")
            request.totalTimeout = .seconds(1)
            return (try? await HTTPClient.shared.fetch(request))?.status == 401 ? true : nil
        }
    }

    private static func freePort() throws -> UInt16 {
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(probe) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(probe, $0, length) == 0 && getsockname(probe, $0, &length) == 0
            }
        }
        guard isKnown else { throw Timeout(description: "no free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    func freeze() { process.signal(SIGSTOP) }
    func thaw() { process.signal(SIGCONT) }

    /// Makes an image whose GREETING is `text`, pushes it as `name:tag`, and forgets it on this host.
    func push(_ name: String, tag: String, greeting text: String) async throws {
        let container = try await BusyboxImage.json(
            "POST", "/containers/create", body: #"{"Image":"\#(BusyboxImage.name)","Cmd":["true"]}"#)
        guard let object = try JSONSerialization.jsonObject(with: Data(container.body)) as? [String: Any],
            let id = object["Id"] as? String
        else { throw Timeout(description: "no container to commit: \(container.text)") }
        let image = "\(host)/\(name)"
        _ = try await BusyboxImage.json(
            "POST", "/commit?container=\(id)&repo=\(image)&tag=\(tag)&changes=ENV%20GREETING%3D\(text)", body: "{}")
        _ = try await BusyboxImage.call("DELETE", "/containers/\(id)?force=1")
        let reply = try await BusyboxImage.call(
            "POST", "/images/\(image)/push?tag=\(tag)", headers: [("X-Registry-Auth", Self.pushLogin)])
        guard reply.status == 200, !reply.text.contains("errorDetail") else {
            throw Timeout(description: "the push failed: \(reply.text.suffix(300))")
        }
        try await forget("\(name):\(tag)")
    }

    func forget(_ name: String) async throws {
        _ = try await BusyboxImage.call("DELETE", "/images/\(host)/\(name)?force=1")
    }

    private func clean() async {
        let list = try? await BusyboxImage.call("GET", "/images/json")
        let images = list.flatMap { try? JSONSerialization.jsonObject(with: Data($0.body)) } as? [[String: Any]]
        for image in images ?? [] {
            // An image whose tag has moved has a digest only.
            let names = ["RepoTags", "RepoDigests"].flatMap { image[$0] as? [String] ?? [] }
            guard let id = image["Id"] as? String, names.contains(where: { $0.hasPrefix("\(host)/") }) else { continue }
            _ = try? await BusyboxImage.call("DELETE", "/images/\(id)?force=1")
        }
        process.end()
        try? FileManager.default.removeItem(atPath: directory)
    }
}

@Suite(.serialized, .timeLimit(.minutes(3)))
struct RegistryTests {
    private func task(_ name: String, image: String, forces: Bool = false) -> V1TaskInfo {
        var task = AgentHost.docker(name, "echo $GREETING")
        task.container.docker.image = image
        task.container.docker.forcePullImage = forces
        return task
    }

    private func config(_ registry: OwnRegistry, login: String = OwnRegistry.login) -> String {
        #"{"auths":{"\#(registry.host)":{"auth":"\#(login)"}}}"#
    }

    @Test func `an image that was removed after a task had used it is pulled again for the next`() async throws {
        try await OwnRegistry.with { registry in
            try await registry.push("team/app", tag: "1", greeting: "one")
            let config = config(registry)
            try await AgentHost.with(adjusted: { $0.dockerConfig = config }) { host in
                for name in ["first", "again"] {
                    host.master.run(task(name, image: "\(registry.host)/team/app:1"))
                    #expect(try await host.master.end(of: name).message == "Container exited with status 0")
                    #expect(try await host.read("stdout", of: name) == "one\n")
                    try await registry.forget("team/app:1")
                    let known = try await BusyboxImage.call("GET", "/images/\(registry.host)/team/app:1/json")
                    #expect(known.status == 404)
                }
            }
        }
    }

    @Test func `a private image is pulled with the agent's login, and a moved tag is seen by a forced pull`()
        async throws
    {
        try await OwnRegistry.with { registry in
            try await registry.push("team/app", tag: "1", greeting: "one")
            let config = config(registry)
            try await AgentHost.with(adjusted: { $0.dockerConfig = config }) { host in
                let image = "\(registry.host)/team/app:1"
                host.master.run(task("first", image: image))
                #expect(try await host.master.end(of: "first").state == .taskFinished)
                #expect(try await host.read("stdout", of: "first") == "one\n")
                // Elsewhere, somebody moves the tag; the copy here stays.
                try await registry.push("team/app", tag: "moved", greeting: "two")
                try await registry.move("team/app", from: "moved", to: "1")
                host.master.run(task("kept", image: image))
                #expect(try await host.master.end(of: "kept").state == .taskFinished)
                #expect(try await host.read("stdout", of: "kept") == "one\n")
                host.master.run(task("forced", image: image, forces: true))
                #expect(try await host.master.end(of: "forced").state == .taskFinished)
                #expect(try await host.read("stdout", of: "forced") == "two\n")
            }
        }
    }

    @Test func `no login, a wrong one and an image that is not there are told apart`() async throws {
        try await OwnRegistry.with { registry in
            try await registry.push("team/app", tag: "1", greeting: "one")
            let image = "\(registry.host)/team/app:1"
            try await AgentHost.with { host in
                host.master.run(task("nobody", image: image))
                let end = try await host.master.end(of: "nobody")
                #expect(end.reason == .containerLaunchFailed)
                #expect(end.message.contains("Failed to pull Docker image '\(image)': "))
                #expect(end.message.contains("no basic auth credentials"))
            }
            let wrong = config(registry, login: Data("ci:wrong".utf8).base64EncodedString())
            try await AgentHost.with(adjusted: { $0.dockerConfig = wrong }) { host in
                host.master.run(task("stranger", image: image))
                let end = try await host.master.end(of: "stranger")
                #expect(end.message.contains("unauthorized"), "\(end.message)")
                #expect(!end.message.contains("wrong\""))
            }
            let right = config(registry)
            try await AgentHost.with(adjusted: { $0.dockerConfig = right }) { host in
                host.master.run(task("missing", image: "\(registry.host)/team/app:2"))
                let end = try await host.master.end(of: "missing")
                #expect(end.message.contains("manifest for \(registry.host)/team/app:2 not found"), "\(end.message)")
            }
        }
    }

    @Test func `images without a registry come from the agent's, with a login in its other form`() async throws {
        try await OwnRegistry.with { registry in
            try await registry.push("team/app", tag: "1", greeting: "one")
            let host = registry.host
            try await AgentHost.with(adjusted: { configuration in
                configuration.dockerRegistry = "http://\(host)"
                configuration.dockerConfig = #"{"auths":{"\#(host)":{"username":"ci","password":"s3cret"}}}"#
            }) { host in
                host.master.run(task("prefixed", image: "team/app:1"))
                let end = try await host.master.end(of: "prefixed")
                #expect(end.state == .taskFinished)
                #expect(try await host.read("stdout", of: "prefixed") == "one\n")
            }
        }
    }

    @Test func `tasks that want the same image share one pull`() async throws {
        try await OwnRegistry.with { registry in
            try await registry.push("team/app", tag: "1", greeting: "one")
            let config = config(registry)
            let mark = registry.log.utf8.count
            try await AgentHost.with(adjusted: { $0.dockerConfig = config }) { host in
                registry.freeze()  // So that all of them come while the first pull is under way.
                for number in 0..<6 {
                    host.master.run(task("t\(number)", image: "\(registry.host)/team/app:1"))
                }
                try await Task.sleep(for: .seconds(1))
                registry.thaw()
                for number in 0..<6 { #expect(try await host.master.end(of: "t\(number)").state == .taskFinished) }
            }
            let requests = registry.log.utf8.dropFirst(mark).split(separator: UInt8(ascii: "\n"))
                .map { String(decoding: $0, as: UTF8.self) }
                .filter {
                    $0.contains("\"GET /v2/team/app/manifests/1 ") || $0.contains("\"HEAD /v2/team/app/manifests/1 ")
                }
                .filter { $0.contains("\" 200 ") }
            #expect(requests.count <= 1, "\(requests)")
        }
    }

    @Test func `a task that is killed while its image is pulled ends at once, and the last one takes the pull along`()
        async throws
    {
        try await OwnRegistry.with { registry in
            try await registry.push("team/app", tag: "1", greeting: "one")
            let config = config(registry)
            try await AgentHost.with(adjusted: { $0.dockerConfig = config }) { host in
                registry.freeze()
                for name in ["a", "b"] { host.master.run(task(name, image: "\(registry.host)/team/app:1")) }
                try await Task.sleep(for: .milliseconds(700))
                for name in ["a", "b"] {
                    host.master.kill(name)
                    let end = try await host.master.end(of: name, within: .seconds(3))
                    #expect(end.state == .taskKilled)
                    #expect(end.reason == .taskKilledDuringLaunch)
                }
                registry.thaw()
                try await Task.sleep(for: .seconds(1))
                #expect(
                    try await BusyboxImage.call("GET", "/images/\(registry.host)/team/app:1/json").status == 404)
            }
        }
    }

    @Test func `a registry that does not answer ends the pull at its deadline`() async throws {
        try await OwnRegistry.with { registry in
            try await AgentHost.with(adjusted: { $0.dockerPullTimeout = .seconds(1) }) { host in
                registry.freeze()
                host.master.run(task("late", image: "\(registry.host)/team/app:1"))
                let end = try await host.master.end(of: "late", within: .seconds(10))
                #expect(end.state == .taskFailed)
                #expect(end.message.contains("the pull took longer than 1 s"), "\(end.message)")
                registry.thaw()
                #expect(host.master.stall == nil)
            }
        }
    }
}

extension OwnRegistry {
    /// Gives the image of one tag another one, on the registry alone.
    fileprivate func move(_ name: String, from: String, to: String) async throws {
        let type = "application/vnd.docker.distribution.manifest.v2+json"
        var get = HTTPClientRequest(url: "http://\(host)/v2/\(name)/manifests/\(from)")
        get.headers = [("Authorization", "Basic \(Self.login)"), ("Accept", type)]
        let manifest = try await HTTPClient.shared.fetch(get)
        var put = HTTPClientRequest(method: "PUT", url: "http://\(host)/v2/\(name)/manifests/\(to)")
        put.headers = [("Authorization", "Basic \(Self.login)"), ("Content-Type", type)]
        put.body = manifest.body
        let reply = try await HTTPClient.shared.fetch(put)
        guard reply.status == 201 else { throw Timeout(description: "the tag was not moved: \(reply.text)") }
    }
}
