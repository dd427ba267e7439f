// Archives made to harm: each is refused or kept inside, none hangs, and nothing outside is touched.

import Beneath
import Glibc
import Testing

@testable import Unpacking

/// One archive and what must become of it.
struct HostileArchive: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable {
        /// With a message that contains this.
        case refused(String)
        /// Unpacked, with these names at the top.
        case kept([String])
        /// Whatever: but nothing outside.
        case either
    }

    var name: String
    var kind = ArchiveKind.tar
    var bytes: [UInt8]
    var outcome: Outcome
    var limits = UnpackLimits()

    var testDescription: String { name }
}

@Suite struct HostileArchiveTests {
    @Test(arguments: HostileArchives.all) func `nothing leaves the sandbox`(archive: HostileArchive) throws {
        let arena = Arena()
        let file = "\(arena.path)/archive"
        arena.write(archive.bytes, to: file)
        let descriptor = Descriptor(open(file, O_RDONLY))
        var unpacker = Unpacker(
            into: try DirectoryHandle(path: arena.inside), archiveBytes: archive.bytes.count, limits: archive.limits)
        var problem: UnpackError?
        do throws(UnpackError) {
            if archive.kind == .gzip {
                try unpacker.expand(descriptor.number, to: [Array("out".utf8)])
            } else {
                try unpacker.unpack(descriptor.number, archive.kind)
            }
        } catch { problem = error }
        switch archive.outcome {
        case .refused(let text):
            let message = try #require(problem?.description, "it was unpacked")
            #expect(message.contains(text), "\(message)")
            #expect(!message.contains("\n"))
        case .kept(let names):
            #expect(problem == nil, "\(problem?.description ?? "")")
            #expect(Arena.names(arena.inside) == names)
        case .either: break
        }
        #expect(Arena.names(arena.path) == ["archive", "sandbox", "secret"])
        #expect(Arena.read(arena.secret) == "secret")
        #expect(Arena.names("/tmp/mini-unpack-escape").isEmpty)
        Self.checkTree(arena.inside)
    }

    /// Files, directories and links that stay; no bits that give rights.
    static func checkTree(_ path: String, depth: Int = 0) {
        for name in Arena.names(path) {
            let mode = Arena.mode("\(path)/\(name)")
            #expect(mode & 0o7000 == 0, "\(name) has mode \(String(mode, radix: 8))")
            switch mode & S_IFMT {
            case S_IFDIR: checkTree("\(path)/\(name)", depth: depth + 1)
            case S_IFREG, 0: break  // A name that is no text is not found again.
            case S_IFLNK:
                var buffer = [CChar](repeating: 0, count: 4096)
                let count = readlink("\(path)/\(name)", &buffer, buffer.count)
                let target = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                let parts = target.split(separator: "/")
                #expect(!target.hasPrefix("/") && parts.prefix { $0 == ".." }.count <= depth, "\(name) -> \(target)")
            default: Issue.record("\(name) is of kind \(String(mode, radix: 8))")
            }
        }
    }

    @Test func `there are enough of them`() { #expect(HostileArchives.all.count >= 120) }
}
