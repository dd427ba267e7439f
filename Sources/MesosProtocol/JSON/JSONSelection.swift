// Reading a few members of a JSON text without making values of all the others.

/// Which members of a JSON text are kept. Names that the text writes with escapes are recognised, too.
public indirect enum JSONSelection: Sendable {
    case everything
    /// Of an object, these members; anything but an object is kept whole.
    case members([(name: String, JSONSelection)])

    /// Members of which everything is kept.
    public static func named(_ names: String...) -> JSONSelection { .members(names.map { ($0, .everything) }) }
}

extension JSONReader {
    mutating func value(depth: Int, _ selection: JSONSelection) throws(JSONSyntaxError) -> JSONValue {
        guard case .members(let wanted) = selection, next == UInt8(ascii: "{") else { return try value(depth: depth) }
        var kept: [JSONMember] = []
        try eachMember(depth: depth + 1) { (reader, key, depth) throws(JSONSyntaxError) in
            let name = try reader.name(at: key)
            guard let (text, selection) = wanted.first(where: { name.elementsEqual($0.name.utf8) }) else {
                return try reader.skipValue(depth: depth)
            }
            kept.append(JSONMember(key: text, value: try reader.value(depth: depth, selection)))
        }
        return .object(kept)
    }

    /// What is meant by the text between two quotes.
    private func name(at place: Range<Int>) throws(JSONSyntaxError) -> ArraySlice<UInt8> {
        guard bytes[place].contains(UInt8(ascii: "\\")) else { return bytes[place] }
        var reader = self
        reader.at = place.lowerBound - 1
        return Array(try reader.string().utf8)[...]
    }

    /// Reads an object.
    ///
    /// - Parameter take: Reads a member's value. Its name is given as the place in `bytes` of what stands between the quotes.
    private mutating func eachMember(
        depth: Int, _ take: (inout JSONReader, Range<Int>, Int) throws(JSONSyntaxError) -> Void
    ) throws(JSONSyntaxError) {
        guard depth <= depthMax else { throw .tooDeep(levelsMax: depthMax) }
        at += 1
        skipSpace()
        if self.take(UInt8(ascii: "}")) { return }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw malformed() }
            let key = try skipString()
            skipSpace()
            guard self.take(UInt8(ascii: ":")) else { throw malformed() }
            skipSpace()
            try take(&self, key, depth)
            skipSpace()
            if self.take(UInt8(ascii: "}")) { return }
            guard self.take(UInt8(ascii: ",")) else { throw malformed() }
        }
    }

    private mutating func skipValue(depth: Int) throws(JSONSyntaxError) {
        switch next {
        case UInt8(ascii: "\""): _ = try skipString()
        case UInt8(ascii: "{"):
            try eachMember(depth: depth + 1) { (reader, _, depth) throws(JSONSyntaxError) in
                try reader.skipValue(depth: depth)
            }
        case UInt8(ascii: "["): try skipArray(depth: depth + 1)
        default: _ = try value(depth: depth)  // Words and numbers need no memory.
        }
    }

    private mutating func skipArray(depth: Int) throws(JSONSyntaxError) {
        guard depth <= depthMax else { throw .tooDeep(levelsMax: depthMax) }
        at += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        while true {
            skipSpace()
            try skipValue(depth: depth)
            skipSpace()
            if take(UInt8(ascii: "]")) { return }
            guard take(UInt8(ascii: ",")) else { throw malformed() }
        }
    }

    /// - Returns: What stands between the quotes.
    private mutating func skipString() throws(JSONSyntaxError) -> Range<Int> {
        let start = at + 1
        var end = start
        // Plain text is most of what engines say; whatever else there may be is read as usual.
        while end < bytes.count, (0x20..<0x7F).contains(bytes[end]), bytes[end] != UInt8(ascii: "\""),
            bytes[end] != UInt8(ascii: "\\")
        {
            end += 1
        }
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            at = end + 1
        } else {
            _ = try string()
        }
        return start..<(at - 1)
    }
}
