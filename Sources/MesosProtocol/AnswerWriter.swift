// Writes an answer of the operator API in either encoding, element by element.
import SwiftProtobuf

/// Appends the fields of one message. A hundred thousand tasks never exist as messages at once: each is encoded as it
/// comes, and only the bytes of the whole answer are held.
///
/// In JSON, a list is printed even when it is empty, as Apache Mesos does for the lists written so.
package struct AnswerWriter {
    let media: MediaType
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false
    private var listNumber = 0

    package init(_ media: MediaType) { self.media = media }

    /// A whole message.
    package static func answer(_ media: MediaType, _ body: (inout AnswerWriter) -> Void) -> [UInt8] {
        var writer = AnswerWriter(media)
        writer.enclosed("{", "}", body)
        return writer.bytes
    }

    // MARK: Fields

    /// The first field of an answer or an event.
    package mutating func type(_ name: String, _ value: Int) {
        switch media {
        case .json:
            key("type")
            bytes.append(contentsOf: "\"\(name)\"".utf8)
            needsComma = true
        case .protobuf:
            tag(1, wireType: 0)
            varint(UInt64(value))
        }
    }

    package mutating func number(_ name: String, _ field: Int, _ value: Double) {
        switch media {
        case .json:
            key(name)
            bytes.append(contentsOf: "\(value)".utf8)
            needsComma = true
        case .protobuf:
            tag(field, wireType: 1)
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
    }

    /// A message whose fields `body` writes.
    package mutating func message(_ name: String, _ field: Int, _ body: (inout AnswerWriter) -> Void) {
        switch media {
        case .json:
            key(name)
            enclosed("{", "}", body)
        case .protobuf:
            let outer = bytes
            bytes = []
            body(&self)
            let inner = bytes
            bytes = outer
            append(field, inner)
        }
    }

    package mutating func message(_ name: String, _ field: Int, _ message: some Message) {
        if media == .json {
            key(name)
            needsComma = true
        }
        switch media {
        case .json: bytes.append(contentsOf: MesosJSON.encode(message))
        case .protobuf: append(field, media.encode(message))
        }
    }

    /// A list whose elements `body` writes with `element`.
    package mutating func list(_ name: String, _ field: Int, _ body: (inout AnswerWriter) -> Void) {
        switch media {
        case .json:
            key(name)
            enclosed("[", "]", body)
        case .protobuf:
            let outer = listNumber
            listNumber = field
            body(&self)
            listNumber = outer
        }
    }

    package mutating func element(_ message: some Message) {
        switch media {
        case .json:
            separate()
            bytes.append(contentsOf: MesosJSON.encode(message))
            needsComma = true
        case .protobuf: append(listNumber, media.encode(message))
        }
    }

    // MARK: JSON

    private mutating func enclosed(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout AnswerWriter) -> Void
    ) {
        if media == .protobuf { return body(&self) }
        bytes.append(UInt8(ascii: open))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: close))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// Names of fields need no escapes.
    private mutating func key(_ name: String) {
        separate()
        bytes.append(contentsOf: "\"\(name)\":".utf8)
        needsComma = false
    }

    // MARK: Protobuf

    private mutating func append(_ field: Int, _ content: [UInt8]) {
        tag(field, wireType: 2)
        varint(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    private mutating func tag(_ field: Int, wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
