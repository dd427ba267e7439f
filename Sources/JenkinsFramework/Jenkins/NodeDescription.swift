// A node's description with the reason why its agent is not there yet, and its place in the node's config.xml.

enum NodeDescription {
    private static let separator = "; "
    private static let reasonMax = 300

    /// The part of a description that says whose the node is, followed by a reason. What it said of an earlier reason is
    /// replaced.
    ///
    /// - Parameter reason: Empty takes the reason away.
    static func text(_ description: String, reason: String) -> String {
        let own = description.firstRange(of: separator).map { String(description[..<$0.lowerBound]) } ?? description
        guard !reason.isEmpty else { return own }
        // A word with an equals sign would be read as a part of the marker.
        let safe = reason.prefix(reasonMax).map { $0 == "=" ? ":" : $0.isNewline ? " " : $0 }
        return own + separator + String(safe)
    }

    /// Replaces the description in a node's `config.xml`.
    ///
    /// - Returns: nil if there is no description to replace, or it says the same already.
    static func replaced(in xml: String, reason: String) -> String? {
        guard let open = xml.firstRange(of: "<description>"),
            let close = xml[open.upperBound...].firstRange(of: "</description>")
        else { return nil }
        let old = unescaped(xml[open.upperBound..<close.lowerBound])
        let new = text(old, reason: reason)
        guard new != old else { return nil }
        return xml[..<open.upperBound] + escaped(new) + xml[close.lowerBound...]
    }

    private static let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]

    private static func unescaped(_ text: Substring) -> String {
        entities.reduce(String(text)) { $0.replacing($1.0, with: $1.1) }
    }

    private static func escaped(_ text: String) -> String {
        entities.reversed().filter { $0.1 != "'" && $0.1 != "\"" }.reduce(text) { $0.replacing($1.1, with: $1.0) }
    }
}
