// The two content types of the v1 API, and the choice between them.

/// How a body or an event stream is encoded.
public enum MediaType: String, Hashable, Sendable, CaseIterable {
    case json = "application/json"
    case protobuf = "application/x-protobuf"

    /// The type that a `Content-Type` header names, parameters such as `charset` set aside; `nil` for any other type.
    ///
    /// Mesos compares the whole header; nobody is hurt by reading a little more.
    public init?(contentType: String) {
        // What nearly every request says; the parts of a text cost more than the decoding of a call.
        if let exact = MediaType(rawValue: contentType) {
            self = exact
            return
        }
        let name = contentType.prefix { $0 != ";" }.trimmed().lowercased()
        self.init(rawValue: name)
    }

    /// Chooses the type of a response.
    ///
    /// JSON wins when both are acceptable, whatever their weights, as in Mesos; a weight of zero excludes. The most
    /// specific range that matches a type decides about it.
    ///
    /// - Parameter accept: The values of all `Accept` headers. None, or only empty ones, accept everything.
    /// - Returns: `nil` when neither type is acceptable, which is status 406.
    public static func negotiate(accept: [String]) -> MediaType? {
        if accept.count == 1, let only = MediaType(rawValue: accept[0]) { return only }
        let ranges = accept.flatMap { $0.split(separator: ",") }.compactMap(MediaRange.init)
        if accept.allSatisfy({ $0.trimmed().isEmpty }) { return .json }
        return [.json, .protobuf].first { type in
            let best = ranges.filter { $0.matches(type) }.max { $0.specificity < $1.specificity }
            return best.map { !$0.isExcluded } ?? false
        }
    }
}

/// One element of an `Accept` header.
private struct MediaRange {
    let type: String
    let subtype: String
    let isExcluded: Bool

    init?(_ text: Substring) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { $0.trimmed().lowercased() }
        guard let names = parts.first?.split(separator: "/", omittingEmptySubsequences: false), names.count == 2 else {
            return nil
        }
        type = String(names[0])
        subtype = String(names[1])
        isExcluded = parts.dropFirst().contains { parameter in
            let pair = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmed() }
            return pair.count == 2 && pair[0] == "q" && Double(pair[1]) == 0
        }
    }

    /// 2 for `type/subtype`, 1 for `type/*`, 0 for `*/*`.
    var specificity: Int { (type == "*" ? 0 : 1) + (subtype == "*" ? 0 : 1) }

    func matches(_ media: MediaType) -> Bool {
        let name = media.rawValue.split(separator: "/")
        return (type == "*" && subtype == "*") || (type == name[0] && (subtype == "*" || subtype == name[1]))
    }
}

extension StringProtocol {
    fileprivate func trimmed() -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let tail = drop(while: isSpace)
        return String(tail.reversed().drop(while: isSpace).reversed())
    }
}
