// What a command prints: text for people, a document for programs, both from one value.

/// The place a text is laid out for.
public struct Sheet: Hashable, Sendable {
    /// Columns of the terminal; nil: lines may be of any length.
    public var width: Int?
    /// Seconds since the Unix epoch.
    public var now: Double

    public init(width: Int?, now: Double) {
        self.width = width
        self.now = now
    }
}

/// What a command found or did. Its JSON document has its properties, in snake case.
public protocol Report: Encodable, Sendable {
    /// Lines without the newline at the end.
    func text(_ sheet: Sheet) -> String
}
