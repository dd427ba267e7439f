// What the tools of the host pack is unpacked as they packed it.

import Beneath
import Glibc
import Hashing
import Testing

@testable import Unpacking

@Suite struct UnpackerTests {
    private let arena = Arena()

    private func unpack(_ bytes: [UInt8], _ kind: ArchiveKind = .tar) throws {
        arena.write(bytes, to: "\(arena.path)/archive")
        let descriptor = Descriptor(open("\(arena.path)/archive", O_RDONLY))
        var unpacker = Unpacker(into: try DirectoryHandle(path: arena.inside), archiveBytes: bytes.count)
        try unpacker.unpack(descriptor.number, kind)
    }

    @Test(arguments: ["cat", "gzip", "bzip2", "xz"])
    func `a tar comes out whole, however it is compressed`(program: String) throws {
        var maker = TarMaker()
        let long = String(repeating: "long", count: 50)
        maker.add("d/", "5", mode: 0o750)
        maker.add("d/run", mode: 0o755, content: "#!/bin/sh\n")
        maker.add(Array("d/\(long)".utf8), content: [UInt8](repeating: 7, count: 100_000))
        maker.add("d/other", "1", link: "d/run")
        maker.add("link", "2", link: "d/run")
        try unpack(program == "cat" ? maker.finished : Compressed.filter(program, maker.finished))
        #expect(Arena.names(arena.inside) == ["d", "link"])
        #expect(Arena.names("\(arena.inside)/d") == [long, "other", "run"])
        #expect(Arena.read("\(arena.inside)/link") == "#!/bin/sh\n")
        #expect(Arena.mode("\(arena.inside)/d") & 0o777 == 0o750)
        #expect(Arena.mode("\(arena.inside)/d/run") & 0o777 == 0o755)
        #expect(Arena.mode("\(arena.inside)/d/\(long)") & 0o777 == 0o644)
    }

    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_00),
            "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee"
        ),
    ])
    func `checksums are those of the standard`(text: String, expected: String) {
        var whole = SHA256()
        whole.update(Array(text.utf8)[...])
        #expect(whole.finish() == expected)
        var pieces = SHA256()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            pieces.update(rest.prefix(37))
            rest = rest.dropFirst(37)
        }
        #expect(pieces.finish() == expected)
    }
}
