// Reads `application/x-www-form-urlencoded` bodies, strictly.

/// The fields of a form.
struct FormBody: Equatable {
    /// Why a body is no form.
    enum Fault: Error, Equatable, CustomStringConvertible {
        case notUTF8
        case brokenEscape(field: Int)
        case tooManyFields(max: Int)
        case twice(String)

        var description: String {
            switch self {
            case .notUTF8: "Unable to decode query string: the body is not UTF-8"
            case .brokenEscape(let field): "Unable to decode query string: malformed % escape in field \(field)"
            case .tooManyFields(let max): "Unable to decode query string: more than \(max) fields"
            case .twice(let name): "Unable to decode query string: '\(name)' is given twice"
            }
        }
    }

    static let fieldsMax = 64

    private var values: [String: String] = [:]

    /// - Parameter bytes: Fields `name=value` between `&`, percent-encoded, `+` for a space. White space around the whole
    ///   is left out: tools that read a body from a file send the line's end with it.
    init(_ bytes: [UInt8]) throws(Fault) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        let isSpace: (Character) -> Bool = { $0 == "\n" || $0 == "\r" || $0 == "\r\n" || $0 == " " }
        let trimmed = text.drop(while: isSpace)
        let end = trimmed.lastIndex { !isSpace($0) }.map { trimmed.index(after: $0) } ?? trimmed.startIndex
        let fields = trimmed[..<end].split(separator: "&")
        guard fields.count <= Self.fieldsMax else { throw .tooManyFields(max: Self.fieldsMax) }
        for (index, field) in fields.enumerated() {
            let sides = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(sides[0]), let value = Self.decode(sides.count > 1 ? sides[1] : "") else {
                throw .brokenEscape(field: index + 1)
            }
            guard values.updateValue(value, forKey: name) == nil else { throw .twice(name) }
        }
    }

    subscript(name: String) -> String? { values[name] }

    private static func decode(_ text: Substring) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.utf8.count)
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = bytes.next().flatMap(digit), let low = bytes.next().flatMap(digit) else { return nil }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            default: decoded.append(byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
