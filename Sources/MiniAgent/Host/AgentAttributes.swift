// The attributes flag: `rack:r1;slots:4;ports:[1-5]`.

import MesosProtocol
import Resources

package enum AgentAttributes {
    /// - Throws: `AgentStartError.invalidAttributes` naming the pair that cannot be read.
    package static func parse(_ text: String?) throws(AgentStartError) -> [V1Attribute] {
        if let text, text.first(where: { !$0.isWhitespace }) == "[" { return try parse(json: text) }
        var attributes: [V1Attribute] = []
        for pair in (text ?? "").split(whereSeparator: { $0 == ";" || $0 == "\n" }) {
            guard let colon = pair.firstIndex(of: ":") else {
                throw .invalidAttributes("'\(pair)' is not key:value")
            }
            let name = trimmed(pair[..<colon])
            let value = trimmed(pair[pair.index(after: colon)...])
            guard !name.isEmpty, !value.isEmpty else { throw .invalidAttributes("'\(pair)' is not key:value") }
            attributes.append(try attribute(name, value))
        }
        return attributes
    }

    /// An array of `Attribute` objects, as in messages.
    private static func parse(json: String) throws(AgentStartError) -> [V1Attribute] {
        let elements: [JSONValue]
        do throws(JSONSyntaxError) { elements = try JSONValue(parsing: Array(json.utf8)).arrayValue ?? [] } catch {
            throw .invalidAttributes("not a JSON array: \(error)")
        }
        var attributes: [V1Attribute] = []
        for (index, element) in elements.enumerated() {
            let attribute: V1Attribute
            do throws(MesosJSONError) { attribute = try MesosJSON.decode(from: element) } catch {
                throw .invalidAttributes("[\(index)]: \(error)")
            }
            let hasValue =
                switch attribute.type {
                case .scalar: attribute.hasScalar && attribute.scalar.value.isFinite
                case .ranges: attribute.hasRanges && attribute.ranges.range.allSatisfy { $0.begin <= $0.end }
                case .text: attribute.hasText && !attribute.text.value.isEmpty
                case .set: false
                }
            guard !attribute.name.isEmpty, hasValue else {
                throw .invalidAttributes("[\(index)]: expected a name and a value of its type: SCALAR, RANGES or TEXT")
            }
            attributes.append(attribute)
        }
        return attributes
    }

    private static func attribute(_ name: String, _ value: String) throws(AgentStartError) -> V1Attribute {
        var attribute = V1Attribute()
        attribute.name = name
        if value.hasPrefix("[") {
            attribute.type = .ranges
            let ranges: Ranges
            do { ranges = try Resources.parse("ports:\(value)", defaultRole: .any).ports } catch {
                throw .invalidAttributes("'\(name):\(value)': \(error)")
            }
            attribute.ranges.range = ranges.ranges.map { range in
                var message = V1Value.Range()
                message.begin = range.lowerBound
                message.end = range.upperBound
                return message
            }
        } else if let number = Double(value), number.isFinite, value.allSatisfy({ "+-.0123456789".contains($0) }) {
            attribute.type = .scalar
            attribute.scalar.value = number
        } else {
            attribute.type = .text
            attribute.text.value = value
        }
        return attribute
    }

    private static func trimmed(_ text: Substring) -> String {
        var slice = text
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        while slice.last?.isWhitespace == true { slice.removeLast() }
        return String(slice)
    }
}
