// `/history` and `/history/slots`: what roles held in the last 31 days.
import ClusterHistory
import DatabaseFile
import HTTPServer
import MesosProtocol
import Resources

extension MasterAPI {
    /// Series in one answer beside the cluster's own.
    private static let seriesMax = 8

    /// `GET /history?role=R&from=&to=&step=`: times in seconds since the Unix epoch, the step in seconds. With a role, it
    /// and the roles right below it; without one, the cluster and the top-level roles; of each list the largest.
    func history(_ request: RoutedRequest) async -> HTTPResponse {
        var times: [Int64?] = []
        for name in ["from", "to", "step"] {
            guard let text = request.http.query(name), !text.isEmpty else {
                times.append(nil)
                continue
            }
            guard let value = Int64(text), value >= 0, value < 1 << 40 else {
                return .text(400, "\(name): expected seconds, found '\(text)'")
            }
            times.append(value)
        }
        let viewer = viewer(of: request)
        var role: RoleName?
        if let text = request.http.query("role"), !text.isEmpty {
            do throws(RoleNameError) { role = try RoleName(text) } catch { return .text(400, "role: \(error)") }
        }
        if let role, !viewer.canSee(role) { return .empty(403) }
        guard let store = history.store else { return .text(503, "The history cannot be read just now") }
        let now = shell.clock.wall.nanoseconds / 1_000_000_000
        let question = HistoryQuestion(from: times[0], to: times[1], step: times[2], at: now)
        do throws(DatabaseFileError) {
            let known = try await store.series().compactMap(\.roleName).filter { viewer.canSee($0) }
            var wanted = Set(known.filter { $0 == role || $0.parent == role }.map { HistorySeries.role($0.value) })
            wanted.formUnion([.cluster, .capacity])
            let rows = try await store.answer(question, of: wanted)
            var json = JSONWriter()
            json.history(rows, question, role, known, wanted, seriesMax: Self.seriesMax)
            return request.json(json.bytes)
        } catch {
            return .text(503, "The history cannot be read just now: \(error)")
        }
    }

    /// `GET /history/slots?step=60|600&after=T`: the oldest slots after a time, for other masters to keep.
    func historySlots(_ request: RoutedRequest) async -> HTTPResponse {
        guard let step = request.http.query("step").flatMap({ Int64($0) }),
            let resolution = HistoryResolution(rawValue: step)
        else { return .text(400, "step: expected 60 or 600") }
        guard let after = request.http.query("after").flatMap({ Int64($0) }), after < 1 << 40 else {
            return .text(400, "after: expected seconds since the Unix epoch")
        }
        guard let store = history.store else { return .text(503, "The history cannot be read just now") }
        let viewer = viewer(of: request)
        do throws(DatabaseFileError) {
            // Part of it would pass for all of it.
            if !viewer.seesEverything,
                try await store.series().compactMap(\.roleName).contains(where: { !viewer.canSee($0) })
            {
                return .empty(403)
            }
            let rows = try await store.rows(resolution, from: after + 1, limit: HistoryDocuments.slotsMax)
            return request.json(HistoryDocuments.slots(rows))
        } catch {
            return .text(503, "The history cannot be read just now: \(error)")
        }
    }
}

extension HistorySeries {
    fileprivate var roleName: RoleName? {
        if case .role(let name) = self { try? RoleName(name) } else { nil }
    }
}

extension JSONWriter {
    fileprivate mutating func history(
        _ rows: [HistoryRow], _ question: HistoryQuestion, _ role: RoleName?, _ known: [RoleName],
        _ wanted: Set<HistorySeries>, seriesMax: Int
    ) {
        // The largest by what they held of the CPUs and of the memory, over all steps.
        var sizes: [HistorySeries: Double] = [:]
        let capacity = rows.reduce(HistoryAmounts()) { $0 + ($1.points[.capacity]?.mean ?? HistoryAmounts()) }
        for row in rows {
            for (series, point) in row.points {
                sizes[series, default: 0] +=
                    Double(point.mean.centiCPUs) / Double(max(1, capacity.centiCPUs))
                    + Double(point.mean.memory) / Double(max(1, capacity.memory))
            }
        }
        let own = role.map { HistorySeries.role($0.value) } ?? .cluster
        let others = wanted.filter { $0 != own && $0 != .cluster && $0 != .capacity && sizes[$0] != nil }
            .sorted { (sizes[$1] ?? 0, $0) < (sizes[$0] ?? 0, $1) }
        object { json in
            if let role { json.member("role", role.value) }
            json.member("from", Int(question.from))
            json.member("to", Int(question.to))
            json.member("step", Int(question.step))
            json.array("roles") { json in
                for name in known { json.value(name.value) }
            }
            json.member("omitted_roles", max(0, others.count - seriesMax))
            json.array("time") { json in
                for row in rows { json.value(Int(row.time)) }
            }
            json.key("capacity")
            json.series(.capacity, nil, rows)
            json.array("series") { json in
                for series in [own] + others.prefix(seriesMax) {
                    json.series(series, series == .cluster ? nil : series.key, rows)
                }
            }
        }
    }

    /// One series: a list for each quantity, with a number for each of the times.
    private mutating func series(_ series: HistorySeries, _ role: String?, _ rows: [HistoryRow]) {
        let points = rows.map { $0.points[series] ?? HistoryPoint(HistoryAmounts()) }
        object { json in
            if let role { json.member("role", role) }
            json.numbers("cpus", points.map { Double($0.mean.centiCPUs) / 100 })
            json.numbers("cpus_max", points.map { Double($0.most.centiCPUs) / 100 })
            json.numbers("mem", points.map { Double($0.mean.memory) })
            json.numbers("mem_max", points.map { Double($0.most.memory) })
            let count = series == .capacity ? "agents" : "tasks"
            json.numbers(count, points.map { Double($0.mean.tasks) })
            json.numbers("\(count)_max", points.map { Double($0.most.tasks) })
            if series == .capacity { return }
            json.numbers("builds", points.map { Double($0.mean.builds) })
            json.numbers("builds_max", points.map { Double($0.most.builds) })
        }
    }

    private mutating func numbers(_ key: String, _ values: [Double]) {
        self.key(key)
        array { json in
            for value in values { json.value(value) }
        }
    }
}
