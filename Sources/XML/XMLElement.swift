// A small strict reader of XML: elements, attributes, text. No entities of others, no document types, nothing from outside.

/// One element of a document, such as a Jenkins configuration file.
///
/// Jenkins' documents say `version='1.1'`, which common XML libraries refuse, and a
/// document type declaration has no business in a configuration, so it is an error here.
public struct XMLElement: Equatable, Sendable {
    public var name: String
    public var attributes: [String: String] = [:]
    public var children: [XMLElement] = []
    /// The text directly inside the element, concatenated.
    public var text = ""

    public init(name: String) { self.name = name }

    /// The first child with this name.
    public subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child with this name, without blanks at its ends.
    public func childText(_ name: String) -> String? { self[name].map { Self.trimmed($0.text) } }

    /// This element and everything below it, in document order.
    public func descendants(named name: String) -> [XMLElement] {
        (self.name == name ? [self] : []) + children.flatMap { $0.descendants(named: name) }
    }

    /// Reads a document. It may be as large as the caller lets it be; elements nest 64 deep at most.
    ///
    /// - Throws: `XMLError` at the first mistake.
    public static func parse(_ bytes: [UInt8]) throws(XMLError) -> XMLElement {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw XMLError(reason: "not UTF-8", offset: 0)
        }
        var reader = XMLReader(text)
        return try reader.document()
    }

    /// Text as it may stand in an element or a quoted attribute.
    public static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    private static func trimmed(_ text: String) -> String {
        let isBlank = { (character: Character) in character.isWhitespace }
        let start = text.drop(while: isBlank)
        return String(start.reversed().drop(while: isBlank).reversed())
    }
}

/// What is wrong with a document, and at which character.
public struct XMLError: Error, Equatable, Sendable, CustomStringConvertible {
    public var reason: String
    /// From 0.
    public var offset: Int

    public init(reason: String, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "XML: \(reason) at character \(offset)" }
}

private struct XMLReader {
    private let text: [Unicode.Scalar]
    private var position = 0
    private static let depthMax = 64

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    mutating func document() throws(XMLError) -> XMLElement {
        if text.first == "\u{feff}" { position = 1 }
        try skipBetweenElements()
        let root = try element(depth: 0)
        try skipBetweenElements()
        guard position == text.count else { throw failure("content after the root element") }
        return root
    }

    private func failure(_ reason: String) -> XMLError { XMLError(reason: reason, offset: position) }

    private func sees(_ token: String) -> Bool {
        let scalars = token.unicodeScalars
        return position + scalars.count <= text.count
            && text[position..<position + scalars.count].elementsEqual(scalars)
    }

    private mutating func take(_ token: String) -> Bool {
        guard sees(token) else { return false }
        position += token.unicodeScalars.count
        return true
    }

    private mutating func expect(_ token: String) throws(XMLError) {
        guard take(token) else { throw failure("expected '\(token)'") }
    }

    private mutating func skip(past token: String) throws(XMLError) {
        while position < text.count {
            if take(token) { return }
            position += 1
        }
        throw failure("missing '\(token)'")
    }

    private mutating func skipBlanks() {
        while position < text.count, [" ", "\t", "\n", "\r"].contains(text[position]) { position += 1 }
    }

    private mutating func skipBetweenElements() throws(XMLError) {
        while true {
            skipBlanks()
            if take("<?") {
                try skip(past: "?>")
            } else if take("<!--") {
                try skip(past: "-->")
            } else if sees("<!DOCTYPE") {
                throw failure("a document type declaration is not allowed")
            } else {
                return
            }
        }
    }

    private mutating func name() throws(XMLError) -> String {
        var name = String.UnicodeScalarView()
        while position < text.count {
            let scalar = text[position]
            let isNamePart = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            guard isNamePart || "._-:$".unicodeScalars.contains(scalar) else { break }
            name.append(scalar)
            position += 1
        }
        guard !name.isEmpty else { throw failure("expected a name") }
        return String(name)
    }

    private mutating func element(depth: Int) throws(XMLError) -> XMLElement {
        guard depth < Self.depthMax else { throw failure("elements nest deeper than \(Self.depthMax)") }
        try expect("<")
        var element = XMLElement(name: try name())
        while true {
            skipBlanks()
            if take("/>") { return element }
            if take(">") { break }
            let attribute = try name()
            skipBlanks()
            try expect("=")
            skipBlanks()
            guard element.attributes[attribute] == nil else { throw failure("attribute '\(attribute)' twice") }
            element.attributes[attribute] = try attributeValue()
        }
        try content(of: &element, depth: depth)
        return element
    }

    private mutating func attributeValue() throws(XMLError) -> String {
        let quote = take("\"") ? "\"" : "'"
        if quote == "'" { try expect("'") }
        var value = String.UnicodeScalarView()
        while !sees(quote) {
            guard position < text.count, text[position] != "<" else { throw failure("unfinished attribute") }
            value.append(try character())
        }
        position += 1
        return String(value)
    }

    private mutating func content(of element: inout XMLElement, depth: Int) throws(XMLError) {
        var characters = String.UnicodeScalarView()
        while true {
            guard position < text.count else { throw failure("'\(element.name)' is not closed") }
            if take("</") {
                let closing = try name()
                guard closing == element.name else { throw failure("'\(element.name)' closed by '\(closing)'") }
                skipBlanks()
                try expect(">")
                element.text = String(characters)
                return
            } else if take("<![CDATA[") {
                let start = position
                try skip(past: "]]>")
                characters.append(contentsOf: text[start..<position - 3])
            } else if take("<!--") {
                try skip(past: "-->")
            } else if take("<?") {
                try skip(past: "?>")
            } else if sees("<") {
                element.children.append(try self.element(depth: depth + 1))
            } else {
                characters.append(try character())
            }
        }
    }

    private mutating func character() throws(XMLError) -> Unicode.Scalar {
        guard text[position] == "&" else {
            defer { position += 1 }
            return text[position]
        }
        position += 1
        var entity = ""
        while position < text.count, text[position] != ";", entity.unicodeScalars.count < 10 {
            entity.unicodeScalars.append(text[position])
            position += 1
        }
        try expect(";")
        if let scalar = Self.entities[entity] { return scalar }
        guard entity.hasPrefix("#") else { throw failure("unknown entity '&\(entity);'") }
        let isHexadecimal = entity.hasPrefix("#x")
        let value = UInt32(entity.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10)
        guard let value, value != 0, let scalar = Unicode.Scalar(value) else {
            throw failure("bad character reference '&\(entity);'")
        }
        return scalar
    }

    private static let entities: [String: Unicode.Scalar] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'",
    ]
}
