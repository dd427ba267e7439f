// Tables that fit the terminal: columns as wide as they need, the long ones shortened where there is no room.

/// Rows of text under a head. Numbers are aligned to the right.
public struct TextTable: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public enum Side: Hashable, Sendable { case left, right }

        public var title: String
        public var side: Side
        /// Whether it may be shortened when the table is too wide. The last such column gives way last.
        public var mayShrink: Bool
        /// Which end of a shortened text is kept.
        public var keepsEnd: Bool
        /// A column with a number is left out where there is no room, the highest number first. Nil: it always stays.
        public var dropOrder: Int?

        public init(
            _ title: String, _ side: Side = .left, mayShrink: Bool = false, keepsEnd: Bool = false,
            dropOrder: Int? = nil
        ) {
            self.title = title
            self.side = side
            self.mayShrink = mayShrink
            self.keepsEnd = keepsEnd
            self.dropOrder = dropOrder
        }
    }

    private static let shrunkMin = 8
    /// While there are columns to leave out, no other is made narrower than this.
    private static let shrunkComfortably = 14
    private static let gap = "  "

    public var columns: [Column]
    public var rows: [[String]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    /// A cell that is missing is empty, one too many is dropped, and a line break within a cell becomes a blank.
    public mutating func add(_ cells: [String]) {
        let padded = cells + Array(repeating: "", count: max(columns.count - cells.count, 0))
        rows.append(padded.prefix(columns.count).map(Self.oneLine))
    }

    /// - Parameter width: Of the terminal, in columns; nil prints every cell whole.
    public func text(width: Int?) -> String {
        var shown = Array(columns.indices)
        var widths = fitted(shown, to: width, least: Self.shrunkComfortably)
        while let width, Self.total(widths) > width,
            let last = shown.filter({ columns[$0].dropOrder != nil })
                .max(by: { (columns[$0].dropOrder ?? 0) < (columns[$1].dropOrder ?? 0) })
        {
            shown.removeAll { $0 == last }
            widths = fitted(shown, to: width, least: Self.shrunkComfortably)
        }
        widths = fitted(shown, to: width, least: Self.shrunkMin)
        let cells = [columns.map(\.title)] + rows
        return cells.map { line($0, shown, widths) }.joined(separator: "\n")
    }

    private static func total(_ widths: [Int]) -> Int {
        widths.reduce(0, +) + gap.count * max(widths.count - 1, 0)
    }

    /// The widths of the columns that are shown, as narrow as they may become.
    private func fitted(_ shown: [Int], to width: Int?, least: Int) -> [Int] {
        let titles = shown.map { DisplayWidth.of(columns[$0].title) }
        var widths = shown.indices.map { place in
            max(titles[place], rows.map { DisplayWidth.of($0[shown[place]]) }.max() ?? 0)
        }
        guard let width else { return widths }
        var excess = Self.total(widths) - width
        // The widest gives way first, until it is no wider than the next.
        while excess > 0 {
            let shrinkable = shown.indices.filter {
                columns[shown[$0]].mayShrink && widths[$0] > max(least, titles[$0])
            }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func line(_ cells: [String], _ shown: [Int], _ widths: [Int]) -> String {
        let padded = shown.indices.map { place -> String in
            let column = columns[shown[place]]
            let text = DisplayWidth.shortened(cells[shown[place]], to: widths[place], keepsEnd: column.keepsEnd)
            let blanks = String(repeating: " ", count: max(widths[place] - DisplayWidth.of(text), 0))
            return column.side == .right ? blanks + text : text + blanks
        }
        var line = padded.joined(separator: Self.gap)
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func oneLine(_ text: String) -> String {
        // What a job or a task is called must not move the cursor or turn the line around.
        String(text.map { DisplayWidth.isDisruptive($0) ? " " : $0 })
    }

    /// As comma-separated values; fields are quoted where they must be.
    public var csv: String {
        ([columns.map(\.title)] + rows).map { $0.map(Self.csvField).joined(separator: ",") }.joined(separator: "\n")
    }

    private static func csvField(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
