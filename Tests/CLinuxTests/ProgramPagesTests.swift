// A process goes on as before when the pages of its code were given back.
import CLinux
import Foundation
import Testing

@Suite struct ProgramPagesTests {
    @Test func `code that was given back is there when it is used again, and less of it is held`() throws {
        let before = try mappedFileKiB()
        clinux_give_back_program()
        let after = try mappedFileKiB()
        #expect(after < before)
        // Code of the program, of Foundation and of the C library, all of it given back just now.
        #expect(try JSONDecoder().decode([String: Int].self, from: Data(#"{"answer":42}"#.utf8)) == ["answer": 42])
    }

    private func mappedFileKiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(Int(line.split(whereSeparator: { !$0.isNumber }).first ?? ""))
    }
}
