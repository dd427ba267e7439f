// The history as JSON: for people by series, for other masters by slot.
import ClusterHistory
import MesosProtocol

enum HistoryDocuments {
    /// Slots in one answer to another master.
    static let slotsMax = 200

    /// Slots as they are kept. The numbers of a point: means of hundredths of CPUs, MiB, tasks and builds; then the largest.
    static func slots(_ rows: [HistoryRow]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.array("slots") { json in
                for row in rows {
                    json.object { json in
                        json.member("time", Int(row.time))
                        json.object("points") { json in
                            for (series, point) in row.points.sorted(by: { $0.key < $1.key }) {
                                json.key(series.key)
                                json.array { json in
                                    for amounts in [point.mean, point.most] {
                                        for value in amounts.values { json.value(Int(value)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return json.bytes
    }

    /// - Returns: Nil if it is not what `slots` writes.
    static func rows(in document: [UInt8]) -> [HistoryRow]? {
        guard let parsed = try? JSONValue(parsing: document), case .array(let slots)? = parsed["slots"] else {
            return nil
        }
        var rows: [HistoryRow] = []
        for slot in slots {
            guard let time = integer(slot["time"]), case .object(let members)? = slot["points"] else { return nil }
            var points: [HistorySeries: HistoryPoint] = [:]
            for member in members {
                guard case .array(let numbers) = member.value else { return nil }
                let values = numbers.compactMap { integer($0) }
                guard values.count == 8 else { return nil }
                points[HistorySeries(key: member.key)] = HistoryPoint(
                    mean: HistoryAmounts(values[..<4]), most: HistoryAmounts(values[4...]))
            }
            rows.append(HistoryRow(time: time, points: points))
        }
        return rows
    }

    private static func integer(_ value: JSONValue?) -> Int64? {
        guard case .number(let number)? = value else { return nil }
        return Int64(exactly: number.doubleValue)
    }
}

extension HistoryAmounts {
    fileprivate var values: [Int64] { [centiCPUs, memory, tasks, builds] }

    /// - Parameter values: Four.
    fileprivate init(_ values: ArraySlice<Int64>) {
        let first = values.startIndex
        self.init(
            centiCPUs: values[first], memory: values[first + 1], tasks: values[first + 2], builds: values[first + 3])
    }
}
