// Archives as an attacker would make them: written byte by byte, because tools refuse to.

import Glibc

/// A tar archive in the making.
struct TarMaker {
    private(set) var bytes: [UInt8] = []

    /// - Parameter kind: The type flag of the header: `0` a file, `1` a hard link, `2` a link, `3`/`4` a device,
    ///   `5` a directory, `6` a fifo.
    mutating func add(
        _ name: [UInt8], _ kind: Character = "0", mode: Int = 0o644, link: [UInt8] = [], content: [UInt8] = [],
        size: Int? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: [UInt8], _ at: Int, _ max: Int) {
            for (index, byte) in text.prefix(max).enumerated() { header[at + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
        }
        if name.count > 100 { addLongName(name, "L") }
        if link.count > 100 { addLongName(link, "K") }
        put(name, 0, 100)
        put(octal(mode, 7), 100, 7)
        put(octal(0, 7), 108, 7)
        put(octal(0, 7), 116, 7)
        put(octal(size ?? content.count, 11), 124, 11)
        put(octal(1_700_000_000, 11), 136, 11)
        put(Array("        ".utf8), 148, 8)
        header[156] = kind.asciiValue ?? 0x30
        put(link, 157, 100)
        put(Array("ustar\0".utf8), 257, 6)
        put(Array("00".utf8), 263, 2)
        put(octal(1, 7), 329, 7)
        put(octal(3, 7), 337, 7)
        let sum = header.reduce(0) { $0 + Int($1) }
        put(octal(sum, 6) + [0, 0x20], 148, 8)
        bytes += header
        bytes += content
        if content.count % 512 != 0 { bytes += [UInt8](repeating: 0, count: 512 - content.count % 512) }
    }

    mutating func add(
        _ name: String, _ kind: Character = "0", mode: Int = 0o644, link: String = "", content: String = ""
    ) {
        add(Array(name.utf8), kind, mode: mode, link: Array(link.utf8), content: Array(content.utf8))
    }

    /// A GNU header for a name that does not fit into its field.
    mutating func addLongName(_ name: [UInt8], _ kind: Character) {
        add(Array("././@LongLink".utf8), kind, content: name + [0])
    }

    /// A pax header: `path`, `linkpath` or `size` of the next entry.
    mutating func addPax(_ key: String, _ value: String) {
        let body = " \(key)=\(value)\n"
        var length = body.utf8.count + 2
        while "\(length)".utf8.count + body.utf8.count != length { length += 1 }
        add("pax", "x", content: "\(length)\(body)")
    }

    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}

/// A zip archive of stored entries.
struct ZipMaker {
    private var local: [UInt8] = []
    private var central: [UInt8] = []
    private var count = 0

    mutating func add(_ name: [UInt8], content: [UInt8] = [], unixMode: Int = 0o100644, claimedSize: Int? = nil) {
        let size = claimedSize ?? content.count
        let offset = local.count
        let common =
            Self.number(0, 2) + Self.number(0, 2) + Self.number(0, 2) + Self.number(0x21, 2)
            + Self.number(Int(Self.crc(content)), 4) + Self.number(size, 4) + Self.number(size, 4)
            + Self.number(name.count, 2) + Self.number(0, 2)
        local += [0x50, 0x4B, 3, 4] + Self.number(20, 2) + common + name + content
        central += [0x50, 0x4B, 1, 2] + Self.number(3 << 8 | 20, 2) + Self.number(20, 2) + common
        central += Self.number(0, 2) + Self.number(0, 2) + Self.number(0, 2) + Self.number(unixMode << 16, 4)
        central += Self.number(offset, 4) + name
        count += 1
    }

    var finished: [UInt8] {
        local + central + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + Self.number(count, 2) + Self.number(count, 2)
            + Self.number(central.count, 4) + Self.number(local.count, 4) + [0, 0]
    }

    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}

/// A place with a directory to unpack into and a file beside it that nobody may touch.
final class Arena {
    let path: String
    var inside: String { "\(path)/sandbox" }
    var secret: String { "\(path)/secret" }

    init() {
        var template = Array("/tmp/mini-unpack-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
        mkdir(inside, 0o755)
        write("secret", to: secret)
    }

    /// By a tool: some names here are no text.
    deinit { if let pipe = popen("chmod -R u+rwX '\(path)'; rm -rf '\(path)'", "r") { pclose(pipe) } }

    func write(_ text: String, to path: String) { write(Array(text.utf8), to: path) }

    func write(_ bytes: [UInt8], to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        defer { close(file) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count <= 0 { return }
            done += count
        }
    }

    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(file, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode : 0
    }
}
