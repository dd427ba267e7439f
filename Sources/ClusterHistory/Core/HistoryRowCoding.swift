// A slot in few bytes: numbers of seven bits a byte, series by number.

/// Writes and reads the points of one slot.
///
/// For each series, sorted by number: its number, the four means, and, where there is more than one sample, by how much the
/// largest exceed them. A number takes one byte for each seven bits it has.
enum HistoryRowCoding {
    /// - Parameter isCondensed: Whether largest and mean differ.
    static func encode(_ points: [(series: Int64, point: HistoryPoint)], isCondensed: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(points.count * (isCondensed ? 20 : 12))
        for (series, point) in points.sorted(by: { $0.series < $1.series }) {
            append(series, to: &bytes)
            let (mean, most) = (point.mean, point.most)
            for value in [mean.centiCPUs, mean.memory, mean.tasks, mean.builds] { append(value, to: &bytes) }
            guard isCondensed else { continue }
            for value in [
                most.centiCPUs - mean.centiCPUs, most.memory - mean.memory, most.tasks - mean.tasks,
                most.builds - mean.builds,
            ] { append(value, to: &bytes) }
        }
        return bytes
    }

    /// - Parameter wanted: Only these series; nil for all.
    /// - Returns: Nil if the bytes are not what `encode` writes.
    static func decode(
        _ bytes: [UInt8], isCondensed: Bool, wanted: Set<Int64>? = nil
    ) -> [(series: Int64, point: HistoryPoint)]? {
        var points: [(series: Int64, point: HistoryPoint)] = []
        var position = 0
        func next() -> Int64? {
            var (value, shift) = (UInt64(0), UInt64(0))
            while position < bytes.count, shift < 63 {
                let byte = bytes[position]
                position += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return Int64(value) }
                shift += 7
            }
            return nil
        }
        func amounts() -> HistoryAmounts? {
            guard let cpus = next(), let memory = next(), let tasks = next(), let builds = next() else { return nil }
            return HistoryAmounts(centiCPUs: cpus, memory: memory, tasks: tasks, builds: builds)
        }
        while position < bytes.count {
            guard let series = next(), let mean = amounts() else { return nil }
            var most = mean
            if isCondensed {
                guard let excess = amounts() else { return nil }
                most = mean.merged(with: excess) { sum, more in sum &+ more }
            }
            if wanted?.contains(series) == false { continue }
            points.append((series, HistoryPoint(mean: mean, most: most)))
        }
        return points
    }

    /// What is below zero is written as zero: nobody holds less than nothing.
    private static func append(_ value: Int64, to bytes: inout [UInt8]) {
        // Bits beyond the fifty-sixth would be no amount of anything.
        var rest = UInt64(min(max(value, 0), 1 << 56 - 1))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
