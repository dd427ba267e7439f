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

        public init(_ title: String, _ side: Side = .left, mayShrink: Bool = false, keepsEnd: Bool = false) {
            self.title = title
            self.side = side
            self.mayShrink = mayShrink
            self.keepsEnd = keepsEnd
        }
    }

    private static let shrunkMin = 8
    private static let gap = "  "

    public var columns: [Column]
    public var rows: [[String]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    /// A cell that is missing is empty, one too many is dropped, and a line break within a cell becomes a blank.
    public mutating func add(_ cells: [String]) {
        let padded = cells + Array(repeating: "", count: max(columns.count - cells.count, 0))
        rows.append(padded.prefix(columns.count).map(Self.oneLine))
    }

    /// - Parameter width: Of the terminal; nil prints every cell whole.
    public func text(width: Int?) -> String {
        let widths = widths(fitting: width)
        let lines = [line(columns.map(\.title), widths)] + rows.map { line($0, widths) }
        return lines.joined(separator: "\n")
    }

    private func widths(fitting width: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            max(columns[index].title.count, rows.map { $0[index].count }.max() ?? 0)
        }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + Self.gap.count * max(columns.count - 1, 0) - width
        // The widest gives way first, until it is no wider than the next.
        while excess > 0 {
            let shrinkable = columns.indices.filter {
                columns[$0].mayShrink && widths[$0] > max(Self.shrunkMin, columns[$0].title.count)
            }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = cells.indices.map { index -> String in
            let text = Self.shortened(cells[index], to: widths[index], keepsEnd: columns[index].keepsEnd)
            let blanks = String(repeating: " ", count: widths[index] - text.count)
            return columns[index].side == .right ? blanks + text : text + blanks
        }
        var line = padded.joined(separator: Self.gap)
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func shortened(_ text: String, to width: Int, keepsEnd: Bool) -> String {
        guard text.count > width else { return text }
        guard width > 1 else { return String(text.prefix(width)) }
        return keepsEnd ? "…" + text.suffix(width - 1) : text.prefix(width - 1) + "…"
    }

    private static func oneLine(_ text: String) -> String {
        // What a job or a plugin is called must not move the cursor.
        String(text.map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? " " : $0 })
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

/// Numbers for people.
public enum Figures {
    /// `0.25`, `4`, `12.5`: at most so many decimals, without trailing zeros.
    public static func decimal(_ value: Double, _ places: Int = 2) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        let factor = (0..<places).reduce(1.0) { product, _ in product * 10 }
        let scaled = Int64((abs(value) * factor).rounded())
        let whole = scaled / Int64(factor)
        var fraction = String(scaled % Int64(factor) + Int64(factor)).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        let sign = value < 0 && scaled != 0 ? "-" : ""
        return fraction.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(fraction)"
    }

    /// `512 MiB`, `1.5 GiB`.
    public static func memory(_ mebibytes: Double) -> String {
        mebibytes >= 1_024 ? "\(decimal(mebibytes / 1_024, 1)) GiB" : "\(decimal(mebibytes, 0)) MiB"
    }

    /// `0.3 s`, `42 s`, `3m 05s`, `2h 10m`, `3d 4h`.
    public static func span(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "-" }
        let seconds = max(seconds, 0)
        if seconds < 10 { return "\(decimal(seconds, 1)) s" }
        let whole = Int(min(seconds, 1e12).rounded())
        if whole < 60 { return "\(whole) s" }
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        if whole < 3_600 { return "\(whole / 60)m \(two(whole % 60))s" }
        if whole < 86_400 { return "\(whole / 3_600)h \(two(whole % 3_600 / 60))m" }
        return "\(whole / 86_400)d \(whole % 86_400 / 3_600)h"
    }
}
