// The keys and types of a JSON document, to be compared with what Apache Mesos prints.
import Foundation
import MesosProtocol
import Testing

/// A document's shape: one line per path, `slaves[].port: int`. Numbers with a point are `double`, others `int`; empty
/// arrays and objects are `path[]` and `path: {}`.
struct JSONShape {
    private(set) var lines: Set<String> = []

    init(_ bytes: [UInt8]) throws { walk(try JSONValue(parsing: bytes), "") }

    private mutating func walk(_ value: JSONValue, _ path: String) {
        switch value {
        case .null: lines.insert("\(path): null")
        case .bool: lines.insert("\(path): bool")
        case .string: lines.insert("\(path): string")
        case .number(.double): lines.insert("\(path): double")
        case .number: lines.insert("\(path): int")
        case .array(let elements):
            if elements.isEmpty { lines.insert("\(path)[]") }
            for element in elements { walk(element, "\(path)[]") }
        case .object(let members):
            if members.isEmpty { lines.insert("\(path): {}") }
            for member in members { walk(member.value, path.isEmpty ? member.key : "\(path).\(member.key)") }
        }
    }

    /// The lines of a file in `Shapes`, without comments.
    static func expected(_ name: String) throws -> Set<String> {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Shapes/\(name).shape")
        let text = try String(contentsOf: file, encoding: .utf8)
        return Set(text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") })
    }

    /// Reports what is missing and what is too much.
    static func expect(
        _ bytes: [UInt8], hasShape name: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let found = try JSONShape(bytes).lines
        let expected = try Self.expected(name)
        let missing = expected.subtracting(found).sorted()
        let surplus = found.subtracting(expected).sorted()
        #expect(missing.isEmpty, "missing in \(name): \(missing)", sourceLocation: sourceLocation)
        #expect(surplus.isEmpty, "too much in \(name): \(surplus)", sourceLocation: sourceLocation)
    }
}
