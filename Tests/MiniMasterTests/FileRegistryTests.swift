// The standalone master's registry file, on a real disk.
import Foundation
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct FileRegistryTests {
    private let term = Term(candidate: nil, number: 1)

    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = NSTemporaryDirectory() + "mini-registry-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body(directory)
    }

    @Test func `what was written is there after a restart`() async throws {
        try await withDirectory { directory in
            let info = MasterConversation.info("m1")
            let first = FileRegistry(directory: directory)
            #expect(try await first.recover(term, claim: info).state == RegistryState())
            let operation = RegistryOperation.markUnreachable("a", at: WallTime(nanoseconds: 3))
            try await first.write(term, RegistryWrite(number: 1, operations: [operation]))
            let second = FileRegistry(directory: directory)
            let contents = try await second.recover(term, claim: info)
            #expect(contents.state.unreachable["a"] == WallTime(nanoseconds: 3))
            #expect(contents.unreadable.isEmpty)
        }
    }

    @Test func `an entry of a newer version is reported, left alone, and there again for that version`() async throws {
        try await withDirectory { directory in
            let path = directory + "/registry"
            let newer: [String: [UInt8]] = ["sentinels/x": [1, 2], "weights/dev": Array("heavy".utf8)]
            try Data(FileRegistry.encode(newer)).write(to: URL(fileURLWithPath: path))
            let registry = FileRegistry(directory: directory)
            let contents = try await registry.recover(term, claim: MasterConversation.info("m1"))
            #expect(contents.unreadable == ["sentinels/x", "weights/dev"])
            #expect(contents.state == RegistryState())
            try await registry.write(term, RegistryWrite(number: 1, operations: [.setStanding("a", .deactivated)]))
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            let entries = FileRegistry.decode(Array(bytes))
            #expect(entries?["sentinels/x"] == [1, 2])
            #expect(entries?["weights/dev"] == Array("heavy".utf8))
            #expect(entries?.keys.contains("standings/a") == true)
        }
    }

    @Test func `a damaged file is kept under another name and reported`() async throws {
        try await withDirectory { directory in
            try Data("not a registry".utf8).write(to: URL(fileURLWithPath: directory + "/registry"))
            let contents = try await FileRegistry(directory: directory).recover(
                term, claim: MasterConversation.info("m1"))
            #expect(contents.state == RegistryState())
            #expect(contents.unreadable.count == 1)
            let aside = try String(contentsOfFile: directory + "/registry.damaged-1", encoding: .utf8)
            #expect(aside == "not a registry")
        }
    }

    @Test func `a directory that cannot be written to is an error that names it`() async throws {
        let registry = FileRegistry(directory: "/nonexistent")
        await #expect(throws: RegistryStoreError.self) {
            _ = try await registry.recover(term, claim: MasterConversation.info("m1"))
        }
    }
}
