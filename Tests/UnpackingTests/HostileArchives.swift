// The corpus: what is known of archives that leave their directory, fill the disk or wait for ever.

import Glibc

@testable import Unpacking

enum HostileArchives {
    static var all: [HostileArchive] {
        paths + links + kinds + chains + sizes + damaged + zips + zippedPaths + zippedLinks + packed + gzips
    }

    private static func tar(
        _ name: String, _ outcome: HostileArchive.Outcome, limits: UnpackLimits = UnpackLimits(),
        _ fill: (inout TarMaker) -> Void
    ) -> HostileArchive {
        var maker = TarMaker()
        fill(&maker)
        return HostileArchive(name: name, bytes: maker.finished, outcome: outcome, limits: limits)
    }

    // MARK: Paths

    private static var paths: [HostileArchive] {
        var all: [HostileArchive] = []
        for path in ["/tmp/mini-unpack-escape/a", "//tmp/mini-unpack-escape/a", "/", "/./x"] {
            all.append(tar("absolute path \(path)", .refused("absolute")) { $0.add(path, content: "x") })
        }
        for path in [
            "../secret", "a/../../secret", "a/b/../../../secret", "./../secret", "..", "a/..", "../", "a/../b",
        ] {
            all.append(tar("upward path \(path)", .refused("upwards")) { $0.add(path, content: "x") })
        }
        all.append(tar("upward directory", .refused("upwards")) { $0.add("../made", "5") })
        all.append(
            tar("an upward path in a pax header", .refused("upwards")) {
                $0.addPax("path", "../secret")
                $0.add("innocent", content: "x")
            })
        all.append(
            tar("an absolute path in a GNU header", .refused("absolute")) {
                $0.addLongName(Array("/tmp/mini-unpack-escape/b".utf8), "L")
                $0.add("innocent", content: "x")
            })
        let long = [UInt8](repeating: UInt8(ascii: "n"), count: 300)
        all.append(tar("a name of 300 bytes", .refused("too long")) { $0.add(long, content: [1]) })
        let deep = Array(repeating: "d", count: 200).joined(separator: "/")
        all.append(tar("200 directories deep", .refused("100 directories")) { $0.add(deep, content: "x") })
        let path = Array(repeating: String(repeating: "p", count: 200), count: 30).joined(separator: "/")
        all.append(tar("a path of 6000 bytes", .refused("too long")) { $0.add(path, content: "x") })
        all.append(tar("no name", .either) { $0.add("", content: "x") })
        all.append(tar("only a dot", .either) { $0.add(".", content: "x") })
        all.append(tar("a newline in a name", .kept(["a\nb"])) { $0.add("a\nb", content: "x") })
        all.append(
            tar("control characters in a refused name", .refused("\\u{1B}")) { $0.add("/\u{1b}[2J\n", content: "x") })
        all.append(tar("bytes that are no UTF-8", .either) { $0.add([0x61, 0xFF, 0xFE], content: [1]) })
        all.append(tar("backslashes are names", .kept(["..\\..\\secret"])) { $0.add("..\\..\\secret", content: "x") })
        all.append(
            tar("a file where a directory must be", .refused("cannot")) {
                $0.add("a", content: "x")
                $0.add("a/b", content: "x")
            })
        all.append(
            tar("a directory where a file must be", .refused("cannot replace")) {
                $0.add("a/b", content: "x")
                $0.add("a", content: "x")
            })
        all.append(
            tar("the same file twice", .kept(["a"])) {
                $0.add("a", content: "1")
                $0.add("a", content: "2")
            })
        return all
    }

    // MARK: Links

    private static var links: [HostileArchive] {
        var all: [HostileArchive] = []
        for target in [
            "/etc/passwd", "/", "../secret", "../..", "a/../../secret", "a/../b", "..", "../sandbox/x", "",
            "./../secret", "//etc", "a/..",
        ] {
            all.append(tar("link to '\(target)'", .refused("links to")) { $0.add("l", "2", link: target) })
        }
        for target in ["../secret", "/etc/passwd", "a/../../secret", "..", ""] {
            all.append(tar("hard link to '\(target)'", .either) { $0.add("h", "1", link: target) })
        }
        all.append(tar("hard link to nothing", .refused("cannot")) { $0.add("h", "1", link: "missing") })
        all.append(
            tar("hard link to a link", .refused("cannot")) {
                $0.add("l", "2", link: "missing")
                $0.add("h", "1", link: "l")
            })
        all.append(
            tar("hard link to a directory", .refused("cannot")) {
                $0.add("d", "5", mode: 0o755)
                $0.add("h", "1", link: "d")
            })
        all.append(
            tar("hard link to itself", .kept(["a"])) {
                $0.add("a", content: "x")
                $0.add("a", "1", link: "a")
            })
        all.append(
            tar("a link that stays inside", .kept(["d", "l"])) {
                $0.add("d/f", content: "x")
                $0.add("l", "2", link: "d/f")
                $0.add("d/up", "2", link: "../l")
            })
        let long = String(repeating: "x/", count: 3000)
        all.append(tar("a link's target of 6000 bytes", .refused("links to")) { $0.add("l", "2", link: long) })
        return all
    }

    /// Entries that use what an earlier entry made.
    private static var chains: [HostileArchive] {
        [
            tar("through a link upwards", .refused("links to")) {
                $0.add("l", "2", link: "..")
                $0.add("l/secret", content: "x")
            },
            tar("through a link to a file that replaces it", .kept(["d", "l"])) {
                $0.add("d/f", content: "x")
                $0.add("l", "2", link: "d")
                $0.add("l/g", content: "y")
            },
            tar("a link made through a link", .refused("link on the way")) {
                $0.add("a/b/c/x", content: "x")
                $0.add("a/b/c/root", "2", link: "../../..")
                $0.add("a/b/c/root/up", "2", link: "../../../..")
            },
            tar("two links that together lead out", .refused("links to")) {
                $0.add("a/b/x", content: "x")
                $0.add("a/b/root", "2", link: "../..")
                $0.add("out", "2", link: "a/b/root/../secret")
            },
            tar("a link that is replaced by a file", .kept(["l"])) {
                $0.add("l", "2", link: "missing")
                $0.add("l", content: "x")
            },
            tar("a loop of links", .refused("cannot")) {
                $0.add("a", "2", link: "b")
                $0.add("b", "2", link: "a")
                $0.add("a/x", content: "x")
            },
            tar("a hard link written through", .kept(["a", "b"])) {
                $0.add("a", content: "1")
                $0.add("b", "1", link: "a")
                $0.add("b", content: "2")
            },
        ]
    }

    // MARK: Kinds and modes

    private static var kinds: [HostileArchive] {
        [
            tar("a character device", .refused("device")) { $0.add("null", "3", mode: 0o666) },
            tar("a block device", .refused("device")) { $0.add("disk", "4", mode: 0o666) },
            tar("a fifo", .refused("named pipe")) { $0.add("fifo", "6") },
            tar("a set-user-id program", .kept(["su"])) { $0.add("su", mode: 0o6755, content: "x") },
            tar("a sticky directory", .kept(["d"])) { $0.add("d", "5", mode: 0o7777) },
            tar("a directory without rights", .kept(["d"])) {
                $0.add("d", "5", mode: 0)
                $0.add("d/f", mode: 0, content: "x")
            },
            tar("an unknown kind", .either) { $0.add("odd", "Z", content: "x") },
            tar("a continued volume", .either) { $0.add("part", "M", content: "x") },
            tar("an old sparse file", .either) { $0.add("sparse", "S", content: "x") },
        ]
    }

    // MARK: Sizes

    private static func limits(_ change: (inout UnpackLimits) -> Void) -> UnpackLimits {
        var limits = UnpackLimits()
        change(&limits)
        return limits
    }

    private static var sizes: [HostileArchive] {
        let few = limits { $0.entriesMax = 10 }
        let small = limits { $0.bytesMax = 1000 }
        let wary = limits { ($0.ratioMax, $0.ratioFloorBytes) = (1, 10) }
        let full = limits { $0.freeBytesMin = .max }
        return [
            tar("too many entries", .refused("more than 10 entries"), limits: few) {
                for number in 0..<20 { $0.add("f\(number)") }
            },
            tar("too many bytes", .refused("more than 1000 bytes"), limits: small) {
                $0.add("a", content: String(repeating: "x", count: 600))
                $0.add("b", content: String(repeating: "x", count: 600))
            },
            tar("a claim of terabytes", .refused("more than")) {
                $0.add(Array("big".utf8), size: 1 << 32)
                $0.addPax("size", "9000000000000000")
                $0.add("bigger")
            },
            tar("a full disk", .refused("no space left"), limits: full) { $0.add("a", content: "x") },
            HostileArchive(
                name: "a bomb of zeros", kind: .tar, bytes: Compressed.bomb, outcome: .refused("more than"),
                limits: wary),
        ]
    }

    private static var damaged: [HostileArchive] {
        var maker = TarMaker()
        maker.add("a", content: String(repeating: "x", count: 5000))
        let whole = maker.finished
        var wrongSum = whole
        wrongSum[0] = 0x62
        return [
            HostileArchive(name: "nothing at all", bytes: [], outcome: .refused("refused")),
            HostileArchive(name: "text", bytes: Array("hello, I am no archive\n".utf8), outcome: .refused("refused")),
            HostileArchive(name: "cut in a header", bytes: Array(whole[..<300]), outcome: .refused("refused")),
            HostileArchive(name: "cut in a file", bytes: Array(whole[..<1000]), outcome: .refused("refused")),
            HostileArchive(name: "a wrong checksum", bytes: wrongSum, outcome: .refused("refused")),
            HostileArchive(
                name: "a negative size", bytes: Self.negativeSize, outcome: .either),
            HostileArchive(
                name: "half a gzip", bytes: Array(Compressed.tarGzip.prefix(40)), outcome: .refused("refused")),
            HostileArchive(
                name: "a zip that is called tar", bytes: Self.zip { $0.add(Array("a".utf8), content: [1]) },
                outcome: .refused("refused")),
            HostileArchive(
                name: "a tar that is called zip", kind: .zip, bytes: whole, outcome: .refused("refused")),
        ]
    }

    /// A base-256 number with its sign set.
    private static var negativeSize: [UInt8] {
        var maker = TarMaker()
        maker.add("a", content: "x")
        var bytes = maker.finished
        for index in 124..<136 { bytes[index] = 0xFF }
        for index in 148..<156 { bytes[index] = 0x20 }
        let sum = bytes[..<512].reduce(0) { $0 + Int($1) }
        let text = String(sum, radix: 8)
        let padded = Array((String(repeating: "0", count: 6 - text.count) + text).utf8) + [0, 0x20]
        for (index, byte) in padded.enumerated() { bytes[148 + index] = byte }
        return bytes
    }

    // MARK: Zip and gzip

    private static func zip(_ fill: (inout ZipMaker) -> Void) -> [UInt8] {
        var maker = ZipMaker()
        fill(&maker)
        return maker.finished
    }

    private static var zips: [HostileArchive] {
        func archive(
            _ name: String, _ outcome: HostileArchive.Outcome, limits: UnpackLimits = UnpackLimits(),
            _ fill: (inout ZipMaker) -> Void
        ) -> HostileArchive {
            HostileArchive(name: "zip: \(name)", kind: .zip, bytes: zip(fill), outcome: outcome, limits: limits)
        }
        let text = { (string: String) in Array(string.utf8) }
        return [
            archive("upward path", .refused("upwards")) { $0.add(text("../secret"), content: [1]) },
            archive("absolute path", .refused("absolute")) { $0.add(text("/tmp/mini-unpack-escape/c"), content: [1]) },
            archive("hidden upward path", .refused("upwards")) { $0.add(text("a/./b/../../../secret"), content: [1]) },
            archive("backslashes", .either) { $0.add(text("..\\secret"), content: [1]) },
            archive("link outside", .refused("links to")) {
                $0.add(text("l"), content: text("../secret"), unixMode: 0o120777)
            },
            archive("link inside", .kept(["f", "l"])) {
                $0.add(text("f"), content: [1])
                $0.add(text("l"), content: text("f"), unixMode: 0o120777)
            },
            archive("a device", .refused("device")) { $0.add(text("d"), unixMode: 0o020666) },
            archive("a fifo", .either) { $0.add(text("p"), unixMode: 0o010666) },
            archive("a socket", .refused("socket")) { $0.add(text("s"), unixMode: 0o140666) },
            archive("a set-user-id program", .kept(["su"])) {
                $0.add(text("su"), content: [1], unixMode: 0o104755)
            },
            archive("a size that is not so", .either) { $0.add(text("f"), content: [1, 2, 3], claimedSize: 1 << 30) },
            archive("too large", .refused("more than 10 bytes"), limits: limits { $0.bytesMax = 10 }) {
                $0.add(text("f"), content: [UInt8](repeating: 1, count: 100))
            },
            archive("a directory", .kept(["d"])) {
                $0.add(text("d/"), unixMode: 0o040777)
                $0.add(text("d/f"), content: [1])
            },
            HostileArchive(
                name: "zip: cut short", kind: .zip,
                bytes: Array(zip { $0.add(text("f"), content: [UInt8](repeating: 1, count: 200)) }.prefix(100)),
                outcome: .refused("refused")),
            HostileArchive(name: "zip: empty file", kind: .zip, bytes: [], outcome: .refused("refused")),
        ]
    }

    private static func zipped(
        _ name: String, _ outcome: HostileArchive.Outcome, _ path: String, content: String = "x",
        unixMode: Int = 0o100644
    ) -> HostileArchive {
        let bytes = zip { $0.add(Array(path.utf8), content: Array(content.utf8), unixMode: unixMode) }
        return HostileArchive(name: "zip: \(name)", kind: .zip, bytes: bytes, outcome: outcome)
    }

    private static var zippedPaths: [HostileArchive] {
        ["//tmp/mini-unpack-escape/z", "/./x", "/etc/../tmp/mini-unpack-escape/z"].map {
            zipped("absolute path \($0)", .refused("absolute"), $0)
        }
            + ["a/../../secret", "a/b/../../../secret", "./../secret", "a/../b"].map {
                zipped("upward path \($0)", .refused("upwards"), $0)
            } + [zipped("a newline in a name", .kept(["a\nb"]), "a\nb")]
    }

    private static var zippedLinks: [HostileArchive] {
        ["/etc/passwd", "..", "a/../../secret", "../sandbox/x", "//etc", "a/.."].map {
            zipped("link to '\($0)'", .refused("links to"), "l", content: $0, unixMode: 0o120777)
        }
    }

    /// What leads out, behind every packing that is unpacked.
    private static var packed: [HostileArchive] {
        let upward = tar("", .either) { $0.add("../secret", content: "x") }.bytes
        let linked = tar("", .either) { $0.add("l", "2", link: "../secret") }.bytes
        return ["gzip", "bzip2", "xz"].flatMap { program in
            [
                HostileArchive(
                    name: "upward path, packed by \(program)", bytes: Compressed.filter(program, upward),
                    outcome: .refused("upwards")),
                HostileArchive(
                    name: "link outside, packed by \(program)", bytes: Compressed.filter(program, linked),
                    outcome: .refused("links to")),
                HostileArchive(
                    name: "cut short, packed by \(program)",
                    bytes: Array(Compressed.filter(program, upward).dropLast(20)), outcome: .either),
            ]
        } + [
            tar("a link outside in a pax header", .refused("links to")) {
                $0.addPax("linkpath", "../secret")
                $0.add("l", "2", link: "inside")
            },
            tar("a link outside in a GNU header", .refused("links to")) {
                $0.addLongName(Array("../secret".utf8), "K")
                $0.add("l", "2", link: "inside")
            },
        ]
    }

    private static var gzips: [HostileArchive] {
        [
            HostileArchive(name: "gzip: not compressed", kind: .gzip, bytes: [1, 2, 3, 4], outcome: .refused("gzip")),
            HostileArchive(name: "gzip: empty", kind: .gzip, bytes: [], outcome: .refused("refused")),
            HostileArchive(
                name: "gzip: cut short", kind: .gzip, bytes: Array(Compressed.tarGzip.prefix(60)),
                outcome: .refused("refused")),
            HostileArchive(
                name: "gzip: a bomb", kind: .gzip, bytes: Compressed.bomb, outcome: .refused("more than"),
                limits: limits { ($0.ratioMax, $0.ratioFloorBytes) = (1, 10) }),
            HostileArchive(name: "gzip: one file", kind: .gzip, bytes: Compressed.tarGzip, outcome: .kept(["out"])),
        ]
    }
}

/// What the tools of the host make of archives.
enum Compressed {
    /// A tar with one file of 1000 bytes.
    static let tarGzip = filter("gzip", tar(1000))
    /// A tar with one file of 4 MiB of zeros.
    static let bomb = filter("gzip", tar(4 << 20))

    private static func tar(_ count: Int) -> [UInt8] {
        var maker = TarMaker()
        maker.add(Array("f".utf8), content: [UInt8](repeating: 0x78, count: count))
        return maker.finished
    }

    static func filter(_ program: String, _ input: [UInt8]) -> [UInt8] {
        let arena = Arena()
        arena.write(input, to: "\(arena.path)/in")
        guard let pipe = popen("\(program) -c < \(arena.path)/in", "r") else { return [] }
        defer { pclose(pipe) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&buffer, 1, buffer.count, pipe)
            if count == 0 { return output }
            output += buffer[..<count]
        }
    }
}
