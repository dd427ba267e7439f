/// Writes a small tar archive (ustar) in memory, the same bytes for the same content.
struct TarArchive {
    enum Failure: Error, Equatable, CustomStringConvertible {
        case nameTooLong(String)
        case contentTooLarge(String)

        var description: String {
            switch self {
            case .nameTooLong(let name): "the name '\(name)' has more than 100 bytes"
            case .contentTooLarge(let name): "'\(name)' has more than 8 GiB"
            }
        }
    }

    private enum Kind: UInt8 {
        case file = 0x30
        case symbolicLink = 0x32
        case directory = 0x35
    }

    private static let blockSize = 512
    private static let contentMax = 1 << 33
    private(set) var bytes: [UInt8] = []

    mutating func addDirectory(_ name: String, mode: Int = 0o755) throws(Failure) {
        try addHeader(name + "/", kind: .directory, mode: mode)
    }

    mutating func addFile(_ name: String, mode: Int = 0o644, _ content: [UInt8]) throws(Failure) {
        guard content.count < Self.contentMax else { throw .contentTooLarge(name) }
        try addHeader(name, kind: .file, mode: mode, size: content.count)
        bytes += content
        pad()
    }

    mutating func addLink(_ name: String, to target: String) throws(Failure) {
        try addHeader(name, kind: .symbolicLink, mode: 0o777, target: target)
    }

    /// The archive with its end mark; nothing may be added afterwards.
    consuming func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.blockSize) }

    private mutating func pad() {
        let rest = bytes.count % Self.blockSize
        if rest > 0 { bytes += [UInt8](repeating: 0, count: Self.blockSize - rest) }
    }

    private mutating func addHeader(
        _ name: String, kind: Kind, mode: Int, size: Int = 0, target: String = ""
    ) throws(Failure) {
        guard name.utf8.count <= 100 else { throw .nameTooLong(name) }
        guard target.utf8.count <= 100 else { throw .nameTooLong(target) }
        var header = [UInt8](repeating: 0, count: Self.blockSize)
        let put = { (field: [UInt8], offset: Int) in header.replaceSubrange(offset..<offset + field.count, with: field)
        }
        put(Array(name.utf8), 0)
        put(Self.octal(mode, digits: 7), 100)
        put(Self.octal(0, digits: 7), 108)  // owner: root
        put(Self.octal(0, digits: 7), 116)
        put(Self.octal(size, digits: 11), 124)
        put(Self.octal(0, digits: 11), 136)  // Time zero, so that equal content is equal bytes.
        put([UInt8](repeating: 0x20, count: 8), 148)
        put([kind.rawValue], 156)
        put(Array(target.utf8), 157)
        put(Array("ustar\u{0}00".utf8), 257)
        put(Array("root".utf8), 265)
        put(Array("root".utf8), 297)
        // The checksum is made with its own field full of blanks.
        let checksum = header.reduce(0) { $0 + Int($1) }
        put(Self.octal(checksum, digits: 6) + [0, 0x20], 148)
        bytes += header
    }

    private static func octal(_ value: Int, digits: Int) -> [UInt8] {
        let text = String(value, radix: 8)
        return Array(String(repeating: "0", count: max(0, digits - text.count)).utf8) + Array(text.utf8)
    }
}
