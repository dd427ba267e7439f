// What the JSON codec knows of every message: fields in declaration order with labels, types and printed defaults.
//
// The tables are text, written by Protos/schema_tables.py. A line is one of
//   message NAME
//   NUMBER NAME LABEL TYPE [DEFAULT]     a field of the message above; LABEL is optional, required, repeated or map
//   enum NAME
//   NUMBER NAME                          a value of the enum above
// TYPE is a scalar name, `message:NAME` or `enum:NAME`; of a map it is the type of the values, keys are strings.
// DEFAULT is there only if Mesos prints it for an unset field: explicit, and the field not deprecated.

/// The type of one value on the wire.
enum ValueKind: Hashable, Sendable {
    case double, float, int32, int64, uint32, uint64, sint32, bool, string, bytes
    case enumeration(Int)
    case message(Int)
}

enum FieldLabel: Hashable, Sendable {
    case optional, required, repeated, map
}

struct FieldSchema: Sendable {
    let name: String
    let number: Int
    let label: FieldLabel
    let kind: ValueKind
    /// `"name":`, as it is printed.
    let key: [UInt8]
    /// The JSON of the default, if Mesos prints it for an unset field.
    let printedDefault: [UInt8]?
}

struct MessageSchema: Sendable {
    let name: String
    /// In declaration order, which is the order of printing.
    let fields: [FieldSchema]
    /// Index into `fields` by field number, -1 in gaps.
    let indexByNumber: [Int]
    let indexByName: [String: Int]
    /// Indexes into `fields` in the order of the wire.
    let indexesByNumber: [Int]
    /// Indexes of the fields that are printed even when unset.
    let defaulted: [Int]

    func index(ofNumber number: Int) -> Int? {
        guard number >= 0, number < indexByNumber.count, indexByNumber[number] >= 0 else { return nil }
        return indexByNumber[number]
    }
}

struct EnumSchema: Sendable {
    let numberByName: [String: Int]
    /// The name in quotes, as it is printed.
    let printedNames: [Int: [UInt8]]
}

/// Every message and enum of the generated code.
struct Schema: Sendable {
    let messages: [MessageSchema]
    let enums: [EnumSchema]
    let indexByMessageName: [String: Int]

    static let shared = Schema(tables: [
        durationTable, mesosTable, schedulerTable, executorTable, allocatorTable, maintenanceTable, quotaTable,
        masterTable, agentTable, linkTable,
    ])

    /// - Precondition: The tables are what schema_tables.py writes; they are part of the program, not outside data.
    init(tables: [String]) {
        var sections: [(header: [Substring], lines: [[Substring]])] = []
        for line in tables.lazy.flatMap({ $0.split(separator: "\n") }) {
            let words = line.split(separator: " ", maxSplits: 4)
            if words[0] == "message" || words[0] == "enum" {
                sections.append((words, []))
            } else {
                sections[sections.count - 1].lines.append(words)
            }
        }
        let messageSections = sections.filter { $0.header[0] == "message" }
        let enumSections = sections.filter { $0.header[0] == "enum" }
        let messageIndex = Self.positions(messageSections.map { String($0.header[1]) })
        let enumIndex = Self.positions(enumSections.map { String($0.header[1]) })
        enums = enumSections.map { EnumSchema(lines: $0.lines) }
        let known = enums
        messages = messageSections.map { section in
            MessageSchema(
                name: String(section.header[1]),
                fields: section.lines.map { words in
                    FieldSchema(words: words, messages: messageIndex, enums: enumIndex, known: known)
                })
        }
        indexByMessageName = messageIndex
    }

    private static func positions(_ names: [String]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    }
}

extension MessageSchema {
    fileprivate init(name: String, fields: [FieldSchema]) {
        self.name = name
        self.fields = fields
        var byNumber = [Int](repeating: -1, count: (fields.map(\.number).max() ?? 0) + 1)
        for (index, field) in fields.enumerated() {
            byNumber[field.number] = index
        }
        indexByNumber = byNumber
        indexesByNumber = byNumber.filter { $0 >= 0 }
        indexByName = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($1.name, $0) })
        defaulted = fields.indices.filter { fields[$0].printedDefault != nil }
    }
}

extension EnumSchema {
    fileprivate init(lines: [[Substring]]) {
        let pairs = lines.map { (name: String($0[1]), number: Int($0[0]) ?? 0) }
        numberByName = Dictionary(uniqueKeysWithValues: pairs.map { ($0.name, $0.number) })
        printedNames = Dictionary(uniqueKeysWithValues: pairs.map { ($0.number, Array("\"\($0.name)\"".utf8)) })
    }
}

extension FieldSchema {
    fileprivate init(words: [Substring], messages: [String: Int], enums: [String: Int], known: [EnumSchema]) {
        guard words.count >= 4, let number = Int(words[0]), let label = FieldLabel(words[2]) else {
            preconditionFailure("malformed schema line \(words)")
        }
        guard let kind = ValueKind(words[3], messages: messages, enums: enums) else {
            preconditionFailure("unknown type in schema line \(words)")
        }
        self.name = String(words[1])
        self.number = number
        self.label = label
        self.kind = kind
        self.key = Array("\"\(words[1])\":".utf8)
        self.printedDefault = words.count > 4 ? Self.printed(default: String(words[4]), as: kind) : nil
    }

    private static func printed(default text: String, as kind: ValueKind) -> [UInt8] {
        switch kind {
        case .string, .bytes, .enumeration:
            Array("\"\(text)\"".utf8)
        case .double, .float:
            Array((Double(text) ?? 0).description.utf8)
        case .int32, .int64, .uint32, .uint64, .sint32, .bool, .message:
            Array(text.utf8)
        }
    }
}

extension FieldLabel {
    fileprivate init?(_ word: Substring) {
        switch word {
        case "optional": self = .optional
        case "required": self = .required
        case "repeated": self = .repeated
        case "map": self = .map
        default: return nil
        }
    }
}

extension ValueKind {
    fileprivate init?(_ word: Substring, messages: [String: Int], enums: [String: Int]) {
        switch word {
        case "double": self = .double
        case "float": self = .float
        case "int32": self = .int32
        case "int64": self = .int64
        case "uint32": self = .uint32
        case "uint64": self = .uint64
        case "sint32": self = .sint32
        case "bool": self = .bool
        case "string": self = .string
        case "bytes": self = .bytes
        default:
            let parts = word.split(separator: ":")
            guard parts.count == 2 else { return nil }
            if parts[0] == "message", let index = messages[String(parts[1])] {
                self = .message(index)
            } else if parts[0] == "enum", let index = enums[String(parts[1])] {
                self = .enumeration(index)
            } else {
                return nil
            }
        }
    }
}
