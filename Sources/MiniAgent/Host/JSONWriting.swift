// Writes JSON values as text, in the spelling of Apache Mesos: whole numbers of a double type end in `.0`.

import MesosProtocol

extension JSONValue {
    static func integer(_ value: some BinaryInteger) -> JSONValue { .number(.integer(Int64(clamping: value))) }
    static func double(_ value: Double) -> JSONValue { .number(.double(value)) }
    static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map { .string($0) }) }

    /// An object of the members that have a value, in the order given.
    static func members(_ members: [(String, JSONValue?)]) -> JSONValue {
        .object(members.compactMap { key, value in value.map { JSONMember(key: key, value: $0) } })
    }

    /// A message as Mesos prints it.
    static func message(_ json: [UInt8]) -> JSONValue { (try? JSONValue(parsing: json)) ?? .null }

    var text: [UInt8] {
        var out: [UInt8] = []
        write(to: &out)
        return out
    }

    private func write(to out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .number(.integer(let value)): out += String(value).utf8
        case .number(.unsigned(let value)): out += String(value).utf8
        case .number(.double(let value)): out += (value.isFinite ? "\(value)" : "0.0").utf8
        case .string(let value): Self.write(value, to: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.write(member.key, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ string: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out += #"\""#.utf8
            case UInt8(ascii: "\\"): out += #"\\"#.utf8
            case 0x0A: out += #"\n"#.utf8
            case 0x0D: out += #"\r"#.utf8
            case 0x09: out += #"\t"#.utf8
            case ..<0x20:
                let hex = String(byte, radix: 16)
                out += "\\u\(String(repeating: "0", count: 4 - hex.utf8.count))\(hex)".utf8
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

extension JSONValue {
    var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    var arrayValue: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    var objectValue: [JSONMember]? { if case .object(let members) = self { members } else { nil } }
    var integerValue: Int? {
        guard case .number(let number) = self else { return nil }
        switch number {
        case .integer(let value): return Int(exactly: value)
        case .unsigned: return nil
        case .double(let value): return Int(exactly: value)
        }
    }
}
