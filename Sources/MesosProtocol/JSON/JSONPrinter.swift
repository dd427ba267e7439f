// Prints a message as JSON while SwiftProtobuf walks over its fields.
//
// The walk is in order of field numbers; Mesos prints in declaration order and adds unset fields with defaults. So each
// field becomes a segment of the output, and a message whose segments came out of order, or lack a default, is put
// together again when it ends. Most messages need no second look.

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import SwiftProtobuf

struct JSONPrinter {
    private(set) var out: [UInt8] = []
    private let schema = Schema.shared

    /// One printed field of a message: `"name":value`, without the comma before it.
    private struct Segment {
        let field: Int
        let start: Int
        var end: Int
    }

    /// Where printing of one message stands.
    private struct Frame {
        let message: Int
        let start: Int
        let firstSegment: Int
        /// The repeated field whose array is still open, -1 if none.
        var openArray = -1
        var isSorted = true
    }

    /// Segments of all messages being printed, outermost first.
    private var segments: [Segment] = []
    private var frame: Frame
    /// The next value stands alone, as the value of a map entry.
    private var isBareValue = false

    init(message: Int) {
        frame = Frame(message: message, start: 0, firstSegment: 0)
        out.append(UInt8(ascii: "{"))
    }

    /// Ends the message that was begun last.
    mutating func finish() {
        closeField()
        let defaulted = schema.messages[frame.message].defaulted
        if !frame.isSorted || !defaulted.isEmpty {
            reassemble(defaulted: defaulted)
        }
        out.append(UInt8(ascii: "}"))
        segments.removeSubrange(frame.firstSegment...)
    }

    // MARK: Fields

    private mutating func beginField(_ number: Int) -> FieldSchema? {
        let message = schema.messages[frame.message]
        guard let index = message.index(ofNumber: number) else { return nil }
        let field = message.fields[index]
        if isBareValue {
            isBareValue = false
            return field
        }
        if frame.openArray == index {
            out.append(UInt8(ascii: ","))
            return field
        }
        closeField()
        if segments.count > frame.firstSegment {
            if segments[segments.count - 1].field > index { frame.isSorted = false }
            out.append(UInt8(ascii: ","))
        }
        segments.append(Segment(field: index, start: out.count, end: out.count))
        out.append(contentsOf: field.key)
        if field.label == .repeated {
            out.append(UInt8(ascii: "["))
            frame.openArray = index
        }
        return field
    }

    private mutating func closeField() {
        if frame.openArray >= 0 {
            out.append(UInt8(ascii: "]"))
            frame.openArray = -1
        }
        if segments.count > frame.firstSegment {
            segments[segments.count - 1].end = out.count
        }
    }

    private mutating func reassemble(defaulted: [Int]) {
        let fields = schema.messages[frame.message].fields
        let own = segments[frame.firstSegment...]
        let missing = defaulted.filter { index in !own.contains { $0.field == index } }
        if frame.isSorted, missing.isEmpty { return }
        var pieces: [(field: Int, bytes: ArraySlice<UInt8>)] = own.map { ($0.field, out[$0.start..<$0.end]) }
        for index in missing {
            guard let text = fields[index].printedDefault else { continue }
            pieces.append((index, (fields[index].key + text)[...]))
        }
        pieces.sort { $0.field < $1.field }
        var body: [UInt8] = []
        body.reserveCapacity(out.count - frame.start + 64)
        for (position, piece) in pieces.enumerated() {
            if position > 0 { body.append(UInt8(ascii: ",")) }
            body.append(contentsOf: piece.bytes)
        }
        out.replaceSubrange((frame.start + 1)..., with: body)
    }

    private mutating func print(_ message: some Message, schema index: Int) throws {
        let outer = frame
        frame = Frame(message: index, start: out.count, firstSegment: segments.count)
        out.append(UInt8(ascii: "{"))
        try message.traverse(visitor: &self)
        finish()
        frame = outer
    }

    private mutating func printMap<Key: Hashable, Value>(
        _ entries: [Key: Value], number: Int, value print: (inout Self, Value) throws -> Void
    ) rethrows {
        guard beginField(number) != nil else { return }
        out.append(UInt8(ascii: "{"))
        let sorted = entries.map { (key: "\($0.key)", value: $0.value) }.sorted { $0.key < $1.key }
        for (position, entry) in sorted.enumerated() {
            if position > 0 { out.append(UInt8(ascii: ",")) }
            JSONText.append(string: entry.key, to: &out)
            out.append(UInt8(ascii: ":"))
            isBareValue = true
            try print(&self, entry.value)
            isBareValue = false
        }
        out.append(UInt8(ascii: "}"))
    }
}

extension JSONPrinter: Visitor {
    /// Fields that the schema does not name have no JSON form.
    mutating func visitUnknown(bytes: Data) throws {}

    mutating func visitSingularDoubleField(value: Double, fieldNumber: Int) throws {
        guard beginField(fieldNumber) != nil else { return }
        JSONText.append(double: value, to: &out)
    }

    mutating func visitSingularInt64Field(value: Int64, fieldNumber: Int) throws {
        guard beginField(fieldNumber) != nil else { return }
        JSONText.append(integer: value, to: &out)
    }

    mutating func visitSingularUInt64Field(value: UInt64, fieldNumber: Int) throws {
        guard beginField(fieldNumber) != nil else { return }
        JSONText.append(unsigned: value, to: &out)
    }

    mutating func visitSingularBoolField(value: Bool, fieldNumber: Int) throws {
        guard beginField(fieldNumber) != nil else { return }
        out.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func visitSingularStringField(value: String, fieldNumber: Int) throws {
        guard beginField(fieldNumber) != nil else { return }
        JSONText.append(string: value, to: &out)
    }

    mutating func visitSingularBytesField(value: Data, fieldNumber: Int) throws {
        guard beginField(fieldNumber) != nil else { return }
        JSONText.append(bytes: value, to: &out)
    }

    mutating func visitSingularEnumField<E: Enum>(value: E, fieldNumber: Int) throws {
        guard let field = beginField(fieldNumber) else { return }
        if case .enumeration(let index) = field.kind, let name = schema.enums[index].printedNames[value.rawValue] {
            out.append(contentsOf: name)
        } else {
            JSONText.append(integer: Int64(value.rawValue), to: &out)
        }
    }

    mutating func visitSingularMessageField<M: Message>(value: M, fieldNumber: Int) throws {
        guard let field = beginField(fieldNumber), case .message(let index) = field.kind else { return }
        try print(value, schema: index)
    }

    mutating func visitMapField<KeyType, ValueType: MapValueType>(
        fieldType: _ProtobufMap<KeyType, ValueType>.Type, value: _ProtobufMap<KeyType, ValueType>.BaseType,
        fieldNumber: Int
    ) throws {
        try printMap(value, number: fieldNumber) { printer, value in
            try ValueType.visitSingular(value: value, fieldNumber: fieldNumber, with: &printer)
        }
    }

    mutating func visitMapField<KeyType, ValueType>(
        fieldType: _ProtobufEnumMap<KeyType, ValueType>.Type, value: _ProtobufEnumMap<KeyType, ValueType>.BaseType,
        fieldNumber: Int
    ) throws where ValueType.RawValue == Int {
        try printMap(value, number: fieldNumber) { printer, value in
            try printer.visitSingularEnumField(value: value, fieldNumber: fieldNumber)
        }
    }

    mutating func visitMapField<KeyType, ValueType>(
        fieldType: _ProtobufMessageMap<KeyType, ValueType>.Type,
        value: _ProtobufMessageMap<KeyType, ValueType>.BaseType, fieldNumber: Int
    ) throws {
        try printMap(value, number: fieldNumber) { printer, value in
            try printer.visitSingularMessageField(value: value, fieldNumber: fieldNumber)
        }
    }
}
