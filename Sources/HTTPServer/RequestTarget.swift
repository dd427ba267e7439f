// Takes a request target apart: path and query, percent-decoded.

/// The parts of a request target.
struct RequestTarget {
    var path: String
    var query: [(name: String, value: String)]

    /// - Returns: `nil` for what is neither `/path?query`, nor an absolute `http` URL, nor `*`, or has a broken or
    ///   non-UTF-8 percent escape.
    init?(_ target: String) {
        var rest = Substring(target)
        if !rest.hasPrefix("/"), rest != "*" {
            // Absolute form, as sent to proxies. Servers must understand it (RFC 9112, 3.2.2).
            guard let scheme = rest.firstRange(of: "://") else { return nil }
            rest = rest[scheme.upperBound...]
            rest = rest.firstIndex { $0 == "/" || $0 == "?" }.map { rest[$0...] } ?? ""
            if !rest.hasPrefix("/") { rest = "/" + rest }
        }
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        let mark = rest.firstIndex(of: "?")
        guard let path = Self.decode(rest[..<(mark ?? rest.endIndex)], plusIsSpace: false) else { return nil }
        self.path = path
        query = []
        guard let mark else { return }
        for pair in rest[rest.index(after: mark)...].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(sides[0], plusIsSpace: true),
                let value = Self.decode(sides.count > 1 ? sides[1] : "", plusIsSpace: true)
            else { return nil }
            query.append((name, value))
        }
    }

    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        var decoded: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = bytes.next().flatMap(hexValue), let low = bytes.next().flatMap(hexValue) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                decoded.append(UInt8(ascii: " "))
            default:
                decoded.append(byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Substring {
    fileprivate func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
