// The tables of `mini jenkins queue`, `builds` and `usage`.

import TextTables

extension QueueAnswer {
    /// - Parameter now: Seconds since the Unix epoch.
    public func table(at now: Double) -> TextTable {
        var table = TextTable([
            .init("ITEM", .right), .init("JOB", mayShrink: true, keepsEnd: true), .init("LABEL", mayShrink: true),
            .init("WAITS", .right), .init("PHASE"), .init("REASON", mayShrink: true),
        ])
        for entry in queue {
            table.add([
                "\(entry.item)", entry.job, entry.label.isEmpty ? "-" : entry.label,
                entry.since > 0 ? Figures.span(now - entry.since) : "-", entry.phase, entry.reason,
            ])
        }
        return table
    }

    /// What stands above the table if it is not all of the truth.
    public var warnings: [String] {
        var lines: [String] = []
        if !controller_reachable { lines.append("the controller does not answer: \(controller_problem)") }
        if !subscribed { lines.append("the framework is not subscribed to a master") }
        return lines
    }
}

extension BuildsAnswer {
    public var table: TextTable {
        var table = TextTable([
            .init("BUILD", mayShrink: true, keepsEnd: true), .init("LABEL", mayShrink: true), .init("RESULT"),
            .init("QUEUED", .right), .init("OFFERED", .right), .init("PULLED", .right), .init("STARTED", .right),
            .init("CONNECTED", .right), .init("ASSIGNED", .right), .init("RAN", .right),
            .init("HOST", mayShrink: true),
        ])
        for row in builds {
            table.add(
                ["\(row.job) #\(row.number)", row.label.isEmpty ? "-" : row.label, row.result]
                    + row.phases.values.map { $0.map(Figures.span) ?? "-" } + [row.host.isEmpty ? "-" : row.host])
        }
        return table
    }
}

extension UsageReport {
    public var table: TextTable {
        var table = TextTable([
            .init("JOB", mayShrink: true, keepsEnd: true), .init("TEMPLATE", mayShrink: true),
            .init("BUILDS", .right),
            .init("ASKED", .right), .init("USED", .right), .init("SUGGESTED", .right), .init("SAVES CPU-H", .right),
            .init("SAVES GIB-H", .right), .init("NOTE", mayShrink: true),
        ])
        for job in jobs {
            table.add([
                job.job, job.template.isEmpty ? "-" : job.template, "\(job.builds)",
                job.asked.map(Self.size) ?? "-", job.used.map(Self.size) ?? "-",
                (job.suggested?.size).map(Self.size) ?? "-",
                job.suggested == nil ? "-" : Figures.decimal(job.savedCPUHours),
                job.suggested == nil ? "-" : Figures.decimal(job.savedGiBHours), job.note,
            ])
        }
        return table
    }

    /// What stands below the table.
    public var footer: [String] {
        var lines: [String] = []
        if jobs.contains(where: { $0.suggested != nil }) {
            lines.append(
                "The suggestions would have saved \(Figures.decimal(savedCPUHours)) CPU-hours and "
                    + "\(Figures.decimal(savedGiBHours)) GiB-hours over the builds remembered.")
        }
        for found in oversized {
            let (asked, used) =
                found.resource == "memory"
                ? (Figures.memory(found.asked), Figures.memory(found.used))
                : ("\(Figures.decimal(found.asked)) CPUs", Figures.decimal(found.used))
            let percent = Figures.decimal(found.used / found.asked * 100, 0)
            lines.append(
                "Template \(found.template) asks for too much: its last \(found.builds) builds used at most \(used) of "
                    + "\(asked) (\(percent) %).")
        }
        return lines
    }

    /// For programs: a number in each cell, empty where there is none.
    public var csvTable: TextTable {
        var table = TextTable(
            [
                "job", "template", "builds", "measured", "shared", "asked_cpus", "asked_memory_mib", "used_cpus_p95",
                "used_cpus_peak", "used_memory_mib", "throttled_seconds", "out_of_memory", "suggested_cpus",
                "suggested_memory_mib", "saved_cpu_hours", "saved_gib_hours",
            ].map { TextTable.Column($0) })
        let number = { (value: Double?) in value.map { Figures.decimal($0, 3) } ?? "" }
        for job in jobs {
            table.add([
                job.job, job.template, "\(job.builds)", "\(job.measured)", "\(job.shared)", number(job.asked?.cpus),
                number(job.asked?.memory), number(job.used?.cpus), number(job.cpuPeak), number(job.used?.memory),
                number(job.throttledSeconds), "\(job.outOfMemory)", number(job.suggested?.size.cpus),
                number(job.suggested?.size.memory), number(job.suggested == nil ? nil : job.savedCPUHours),
                number(job.suggested == nil ? nil : job.savedGiBHours),
            ])
        }
        return table
    }

    private static func size(_ size: BuildSize) -> String {
        "\(Figures.decimal(size.cpus)) / \(Figures.memory(size.memory))"
    }
}

extension UsageReport.Job {
    fileprivate var note: String {
        var notes: [String] = []
        if outOfMemory > 0 { notes.append("\(outOfMemory) out of memory") }
        if suggested?.stepsUpCPUs ?? false { notes.append("held up \(Figures.span(throttledSeconds)) by its quota") }
        if shared > 0 { notes.append("\(shared) shared their agent") }
        if suggested == nil, measured > 0 { notes.append("too few builds for a suggestion") }
        return notes.joined(separator: "; ")
    }
}
