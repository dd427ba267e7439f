// Which stretch of the history somebody asks for, and in how many points.

/// A stretch of time in equal steps, not more than `pointsMax` of them.
public struct HistoryQuestion: Hashable, Sendable {
    public static let pointsMax = 1_500

    public let resolution: HistoryResolution
    /// Seconds since the Unix epoch: the first slot, and the end that no slot reaches.
    public let from: Int64
    public let to: Int64
    /// Seconds, a multiple of the resolution's.
    public let step: Int64

    /// The finest resolution that still remembers the beginning, with the step that was asked for or the least one that
    /// keeps the points few.
    ///
    /// - Parameters:
    ///   - from: At most 31 days ago counts. Nil: a day before `to`.
    ///   - to: Nil, or later than now: now.
    ///   - step: At least that many seconds. Nil: as fine as it may be.
    ///   - now: Seconds since the Unix epoch.
    public init(from: Int64?, to: Int64?, step: Int64?, at now: Int64) {
        let longest = HistoryResolution.tenMinutes.span
        let end = min(max(to ?? now, now - longest), now)
        let start = min(max(from ?? end - 86_400, now - longest), end)
        let asked = max(step ?? 1, 1)
        let isRecent = start >= now - HistoryResolution.minute.span
        resolution = isRecent && asked < HistoryResolution.tenMinutes.step ? .minute : .tenMinutes
        let unit = resolution.step
        let least = (end - start + Int64(Self.pointsMax) - 2) / Int64(Self.pointsMax - 1)
        let wanted = max(min(asked, longest), least, unit)
        let step = (wanted + unit - 1) / unit * unit
        self.step = step
        self.from = start - (start % step + step) % step
        self.to = max(end, self.from + 1)
    }

    /// The slots that were recorded, put together into steps; oldest first.
    public func condense(_ rows: [HistoryRow]) -> [HistoryRow] {
        let groups = Dictionary(grouping: rows.filter { $0.time >= from && $0.time < to }) {
            from + ($0.time - from) / step * step
        }
        return groups.keys.sorted().map { HistoryRow.condensed(groups[$0] ?? [], at: $0) }
    }
}
