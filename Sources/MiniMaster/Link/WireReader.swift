// Walks over the fields of an encoded protobuf message without decoding it.
import Glibc

/// The fields of one message, in the order of the wire. Everything is checked against the end of the bytes; what is not
/// well-formed ends the walk with an error.
struct WireReader {
    struct Malformed: Error {}

    /// One field.
    struct Field {
        let number: Int
        let value: Value
        /// Tag and value together.
        let bytes: UnsafeRawBufferPointer

        /// The bytes of a string, of bytes or of a message.
        func contents() throws(Malformed) -> UnsafeRawBufferPointer {
            guard case .bytes(let bytes) = value else { throw Malformed() }
            return bytes
        }

        func varint() throws(Malformed) -> UInt64 {
            guard case .varint(let value) = value else { throw Malformed() }
            return value
        }

        func double() throws(Malformed) -> Double {
            guard case .fixed64(let bits) = value else { throw Malformed() }
            return Double(bitPattern: bits)
        }

        /// A string that is valid UTF-8.
        func text() throws(Malformed) -> String {
            guard let text = String(validating: try contents(), as: UTF8.self) else { throw Malformed() }
            return text
        }
    }

    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(UnsafeRawBufferPointer)
    }

    private let buffer: UnsafeRawBufferPointer
    private var position = 0

    /// - Parameter buffer: Must stay valid as long as the reader and its fields are used.
    init(_ buffer: UnsafeRawBufferPointer) { self.buffer = buffer }

    /// The next field; `nil` at the end.
    mutating func next() throws(Malformed) -> Field? {
        guard position < buffer.count else { return nil }
        let start = position
        let tag = try varint()
        guard let number = Int(exactly: tag >> 3), number > 0 else { throw Malformed() }
        let value: Value
        switch tag & 7 {
        case 0: value = .varint(try varint())
        case 1:
            guard buffer.count - position >= 8 else { throw Malformed() }
            value = .fixed64(UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
            position += 8
        case 2:
            let length = try varint()
            guard length <= UInt64(buffer.count - position) else { throw Malformed() }
            value = .bytes(UnsafeRawBufferPointer(rebasing: buffer[position..<position + Int(length)]))
            position += Int(length)
        default: throw Malformed()  // Groups and 32-bit fields: none of ours.
        }
        return Field(
            number: number, value: value, bytes: UnsafeRawBufferPointer(rebasing: buffer[start..<position]))
    }

    private mutating func varint() throws(Malformed) -> UInt64 {
        // Nearly every one.
        if position < buffer.count, buffer[position] < 0x80 {
            position += 1
            return UInt64(buffer[position - 1])
        }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < buffer.count, shift < 64 {
            let byte = buffer[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Malformed()
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes are those of `text`.
    func isText(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { utf8 in
            guard utf8.count == count, let left = utf8.baseAddress, let right = baseAddress else {
                return utf8.isEmpty && isEmpty
            }
            return memcmp(left, right, count) == 0
        }
    }
}
