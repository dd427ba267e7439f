// Turns a JSON value into the binary form of a message, with the conversions Apache Mesos allows.

import SwiftProtobuf

/// Writes the wire format of protobuf. Nothing in here can fail.
private struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func tag(_ number: Int, wireType: UInt64) {
        varint(UInt64(number) << 3 | wireType)
    }

    mutating func field(_ number: Int, varint value: UInt64) {
        tag(number, wireType: 0)
        varint(value)
    }

    mutating func field(_ number: Int, double value: Double) {
        tag(number, wireType: 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func field(_ number: Int, float value: Float) {
        tag(number, wireType: 5)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func field(_ number: Int, content: some Collection<UInt8>) {
        tag(number, wireType: 2)
        varint(UInt64(content.count))
        bytes.append(contentsOf: content)
    }
}

/// A value that does not fit its field.
struct JSONMismatch: Error {
    let reason: String
}

/// Converts one JSON text. Required fields that are missing are collected, everything else ends the conversion.
struct JSONTranscoder {
    /// No answer lists more missing fields than this.
    private static let missingFieldsMax = 20

    private let schema = Schema.shared
    private(set) var missing: [String] = []

    /// - Parameter path: Where the message stands, with a trailing dot unless it is the outermost.
    mutating func bytes(
        of members: [JSONMember], message index: Int, path: String = ""
    ) throws(JSONMismatch) -> [UInt8] {
        let message = schema.messages[index]
        // The last of duplicate members wins, and null takes a value back.
        var values = [JSONValue](repeating: .null, count: message.fields.count)
        for member in members {
            guard let field = message.indexByName[member.key] else { continue }
            values[field] = member.value
        }
        for field in message.fields.indices where message.fields[field].label == .required {
            if values[field].isNull { miss(path + message.fields[field].name) }
        }
        var writer = WireWriter()
        for index in message.indexesByNumber where !values[index].isNull {
            try write(values[index], field: message.fields[index], path: path, to: &writer)
        }
        return writer.bytes
    }

    private mutating func miss(_ path: String) {
        if missing.count < Self.missingFieldsMax { missing.append(path) }
    }

    private mutating func write(
        _ value: JSONValue, field: FieldSchema, path: String, to writer: inout WireWriter
    ) throws(JSONMismatch) {
        let place = path + field.name
        switch (field.label, value) {
        case (.map, .object(let members)):
            var last: [String: JSONValue] = [:]
            for member in members { last[member.key] = member.value }
            for (key, value) in last.sorted(by: { $0.key < $1.key }) where !value.isNull {
                var entry = WireWriter()
                entry.field(1, content: key.utf8)
                try write(value, number: 2, kind: field.kind, label: .optional, place: "\(place)[\(key)]", to: &entry)
                writer.field(field.number, content: entry.bytes)
            }
        case (.map, _):
            throw unexpected(value, at: place)
        case (.repeated, .array(let elements)):
            for (position, element) in elements.enumerated() where !element.isNull {
                try write(
                    element, number: field.number, kind: field.kind, label: .repeated, place: "\(place)[\(position)]",
                    to: &writer)
            }
        case (.repeated, _):
            try write(
                value, number: field.number, kind: field.kind, label: .repeated, place: "\(place)[0]", to: &writer)
        default:
            try write(value, number: field.number, kind: field.kind, label: field.label, place: place, to: &writer)
        }
    }

    private mutating func write(
        _ value: JSONValue, number: Int, kind: ValueKind, label: FieldLabel, place: String, to writer: inout WireWriter
    ) throws(JSONMismatch) {
        switch kind {
        case .double:
            writer.field(number, double: try double(value, at: place))
        case .float:
            writer.field(number, float: Float(try double(value, at: place)))
        case .int32:
            let value: Int32 = try integer(value, at: place)
            writer.field(number, varint: UInt64(bitPattern: Int64(value)))
        case .int64:
            let value: Int64 = try integer(value, at: place)
            writer.field(number, varint: UInt64(bitPattern: value))
        case .uint32:
            let value: UInt32 = try integer(value, at: place)
            writer.field(number, varint: UInt64(value))
        case .uint64:
            writer.field(number, varint: try integer(value, at: place))
        case .sint32:
            let value: Int32 = try integer(value, at: place)
            writer.field(number, varint: UInt64(UInt32(bitPattern: value << 1 ^ value >> 31)))
        case .bool:
            writer.field(number, varint: try bool(value, at: place) ? 1 : 0)
        case .string:
            guard case .string(let text) = value else { throw unexpected(value, at: place) }
            writer.field(number, content: text.utf8)
        case .bytes:
            guard case .string(let text) = value else { throw unexpected(value, at: place) }
            guard let bytes = JSONText.bytes(fromBase64: text) else {
                throw JSONMismatch(reason: "Failed to decode base64 for field '\(place)'")
            }
            writer.field(number, content: bytes)
        case .enumeration(let index):
            guard case .string(let name) = value else { throw unexpected(value, at: place) }
            if let raw = schema.enums[index].numberByName[name] {
                writer.field(number, varint: UInt64(bitPattern: Int64(raw)))
            } else if label == .required {
                throw JSONMismatch(reason: "Failed to find enum for '\(shortened(name))'")
            }
        case .message(let index):
            switch value {
            case .object(let members):
                writer.field(number, content: try bytes(of: members, message: index, path: place + "."))
            case .string(let text) where schema.messages[index].name == Google_Protobuf_Duration.protoMessageName:
                writer.field(number, content: try durationBytes(text, at: place))
            default:
                throw unexpected(value, at: place)
            }
        }
    }
}

// MARK: Scalars

private func unexpected(_ value: JSONValue, at place: String) -> JSONMismatch {
    JSONMismatch(reason: "Not expecting a JSON \(value.kindName) for field '\(place)'")
}

private func shortened(_ text: String) -> String {
    text.count <= 100 ? text : text.prefix(100) + "..."
}

private func notANumber(_ text: String, at place: String) -> JSONMismatch {
    JSONMismatch(reason: "Failed to convert '\(shortened(text))' to a number for field '\(place)'")
}

private func double(_ value: JSONValue, at place: String) throws(JSONMismatch) -> Double {
    switch value {
    case .number(let number):
        return number.doubleValue
    case .string("Infinity"):
        return .infinity
    case .string("-Infinity"):
        return -.infinity
    case .string(let text):
        guard let value = Double(text), value.isFinite else { throw notANumber(text, at: place) }
        return value
    default:
        throw unexpected(value, at: place)
    }
}

/// A fraction is cut off. What the type cannot hold is an error here; Mesos leaves it to the C++ cast.
private func integer<Integer: FixedWidthInteger>(
    _ value: JSONValue, at place: String
) throws(JSONMismatch) -> Integer {
    let result: Integer?
    switch value {
    case .number(.integer(let whole)): result = Integer(exactly: whole)
    case .number(.unsigned(let whole)): result = Integer(exactly: whole)
    case .number(.double(let number)): result = Integer(exactly: number.rounded(.towardZero))
    case .string(let text):
        guard let whole = Integer(text) else { throw notANumber(text, at: place) }
        result = whole
    default: throw unexpected(value, at: place)
    }
    guard let result else { throw JSONMismatch(reason: "Number out of range for field '\(place)'") }
    return result
}

/// `"600s"`: a duration in the JSON that protobuf prescribes and Mesos does not write.
private func durationBytes(_ text: String, at place: String) throws(JSONMismatch) -> [UInt8] {
    var quoted: [UInt8] = []
    JSONText.append(string: text, to: &quoted)
    do {
        return try Google_Protobuf_Duration(jsonUTF8Bytes: quoted).serializedBytes()
    } catch {
        throw JSONMismatch(reason: "Failed to convert '\(shortened(text))' to a duration for field '\(place)'")
    }
}

private func bool(_ value: JSONValue, at place: String) throws(JSONMismatch) -> Bool {
    switch value {
    case .bool(let flag): return flag
    case .string("true"): return true
    case .string("false"): return false
    default: throw unexpected(value, at: place)
    }
}
