// Garbage on every port gets a status code or a closed connection, and the daemon goes on.

import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(4))) struct GarbageTests {
    /// A daemon with its port and the paths that read a body.
    private struct Target: Sendable {
        var name: String
        var port: Int
        var pid: pid_t
        var paths: [String]
        var health: String
    }

    @Test func `no garbage takes a daemon down or makes it large`() async throws {
        try await withCluster("--masters=1", "--agents=1", "--containerizer=process", "--demo") { cluster, document in
            let targets = try targets(cluster, document)
            try await withThrowingTaskGroup(of: (String, RawOutcome).self) { group in
                for target in targets {
                    for (name, message) in messages(for: target) {
                        group.addTask {
                            let outcome = try await message.send(to: target.port, within: .seconds(60))
                            return ("\(target.name): \(name)", outcome)
                        }
                    }
                }
                for try await (name, outcome) in group {
                    switch outcome {
                    case .closed: break
                    case .status(let code): #expect((200..<600).contains(code) && code != 500, "\(name)")
                    case .silence: Issue.record("neither an answer nor an end: \(name)")
                    }
                }
            }
            for target in targets {
                let reply = await get("http://127.0.0.1:\(target.port)\(target.health)")
                #expect(reply?.status == 200, "\(target.name)")
                let resident = try #require(HostLook.residentMiB(of: target.pid))
                #expect(resident < 200, "\(target.name) has \(resident) MiB")
            }
            try await document.waitUntilComplete()
        }
    }

    private func targets(_ cluster: UpCluster, _ document: ClusterDocument) throws -> [Target] {
        let configuration = try String(contentsOfFile: "\(document.workDirectory)/jenkins.yaml", encoding: .utf8)
        let port = try #require(configuration.firstMatch(of: /status: \{ip: 127.0.0.1, port: (\d+)\}/))
        let framework = try #require(cluster.look.processes().first { $0.contains(" jenkins --config=") })
        let jenkins = try #require(document.jenkins)
        return [
            Target(
                name: "master", port: document.masters[0].port, pid: document.masters[0].pid,
                paths: ["/api/v1/scheduler", "/api/v1/agent-link", "/master/state"], health: "/health"),
            Target(
                name: "agent", port: document.agents[0].port, pid: document.agents[0].pid,
                paths: ["/api/v1", "/files/read"], health: "/health"),
            Target(
                name: "practice Jenkins", port: jenkins.port, pid: jenkins.pid,
                paths: ["/createItem?name=x", "/computer/doCreateItem"], health: "/login"),
            Target(
                name: "framework", port: try #require(Int(port.1)),
                pid: try #require(pid_t(framework.prefix { $0 != ":" })), paths: ["/state"], health: "/health"),
        ]
    }

    private func messages(for target: Target) -> [(String, RawMessage)] {
        var messages: [(String, RawMessage)] = (0..<5).map { seed in
            var random = GarbageSource(state: UInt64(seed))
            return ("random bytes \(seed)", RawMessage(head: "", body: (0..<65_536).map { _ in random.nextByte() }))
        }
        let fields = (0..<5_000).map { "X-Field-\($0): value\r\n" }.joined()
        messages.append(("thousands of header lines", RawMessage("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")))
        for path in target.paths {
            func head(_ type: String, _ count: Int) -> String {
                "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: \(type)\r\nContent-Length: \(count)\r\n\r\n"
            }
            let megabyte = [UInt8](repeating: 0, count: 1 << 20)
            let nested = Array((String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)).utf8)
            let objects = Array(String(repeating: #"{"subscribe":"#, count: 100_000).utf8)
            for type in ["application/json", "application/x-protobuf"] {
                messages += [
                    (
                        "100 MB of \(type) at \(path)",
                        RawMessage(head: head(type, 100 << 20), body: megabyte, repetitions: 100)
                    ),
                    ("nested arrays as \(type) at \(path)", RawMessage(head: head(type, nested.count), body: nested)),
                    (
                        "nested objects as \(type) at \(path)",
                        RawMessage(head: head(type, objects.count), body: objects)
                    ),
                ]
            }
            for type in ["text/plain", "application/octet-stream", ";;;", "application/json; charset=\u{FFFF}"] {
                messages.append(("content type \(type) at \(path)", RawMessage(head(type, 5) + "hello")))
            }
            messages += [
                (
                    "a client that stops in the head at \(path)",
                    RawMessage("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Le", endsSending: false)
                ),
                (
                    "a client that stops in the body at \(path)",
                    RawMessage(head("application/json", 1000) + #"{"type":"#, endsSending: false)
                ),
                (
                    "a client that ends in the body at \(path)",
                    RawMessage(head("application/json", 1000) + #"{"type":"#)
                ),
                ("a length that is no number at \(path)", RawMessage(head("application/json", -7) + "{}")),
            ]
        }
        return messages
    }
}

/// Bytes that follow from a seed.
private struct GarbageSource {
    var state: UInt64

    mutating func nextByte() -> UInt8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}
