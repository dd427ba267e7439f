// What `mini jenkins queue`, `builds` and `usage` print.
import JenkinsUsage
import Testing
import TextTables

@Suite struct TablesTests {
    @Test func `the queue is a table with the reason last`() {
        let answer = QueueAnswer(
            queue: [
                QueueEntry(
                    item: 7, job: "release/app", label: "", since: 1_000, phase: "requested", code: "no_offer",
                    template: "linux", node: nil, reason: "no offer with 4 CPUs: 3.5 free on agent-7")
            ], subscribed: false, controller_reachable: true, controller_problem: "", time: 1_000)
        #expect(
            answer.table(at: 1_065).text(width: nil) == """
                ITEM  JOB          LABEL   WAITS  PHASE      REASON
                   7  release/app  -      1m 05s  requested  no offer with 4 CPUs: 3.5 free on agent-7
                """)
        #expect(answer.warnings == ["the framework is not subscribed to a master"])
    }

    private var report: UsageReport {
        let rows = (1...10).map { number in
            BuildRow(
                url: "u\(number)", node: "n\(number)", job: "app", number: number, template: "mesos",
                startedAt: Double(number), duration: 3_600, asked: BuildSize(cpus: 2, memory: 2_048),
                used: BuildUse(
                    cpuPeak: 1, cpuP95: 0.511, cpuMean: 0.3, memoryPeak: 1_500, samples: 9, sampledSeconds: 9))
        }
        return UsageReport(rows) { _ in SuggestionRule() }
    }

    @Test func `usage says what is asked, used, suggested and saved, and which template asks for too much`() {
        #expect(
            report.table.text(width: nil) == """
                JOB  TEMPLATE  BUILDS      ASKED            USED      SUGGESTED  SAVES CPU-H  SAVES GIB-H  NOTE
                app  mesos         10  2 / 2 GiB  0.51 / 1.5 GiB  0.7 / 1.8 GiB           13         1.56
                """)
        #expect(
            report.footer == [
                "The suggestions would have saved 13 CPU-hours and 1.56 GiB-hours over the builds remembered.",
                "Template mesos asks for too much: its last 10 builds used at most 0.51 of 2 CPUs (26 %).",
            ])
    }

    @Test func `comma-separated usage has a number in each cell`() {
        let lines = report.csvTable.csv.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("job,template,builds,measured,shared,asked_cpus,"))
        #expect(lines[1] == "app,mesos,10,10,0,2,2048,0.511,1,1500,0,0,0.7,1888,13,1.563")
    }

    @Test func `builds show each phase, and a dash for those they did not have`() {
        let row = BuildRow(
            url: "u", node: "n", job: "app", number: 7, label: "linux", host: "agent-1", result: "SUCCESS",
            phases: PhaseTimes(queued: 0.3, assigned: 1, ran: 75))
        #expect(
            BuildsAnswer(builds: [row]).table.text(width: nil) == """
                BUILD   LABEL  RESULT   QUEUED  OFFERED  PULLED  STARTED  CONNECTED  ASSIGNED     RAN  HOST
                app #7  linux  SUCCESS   0.3 s        -       -        -          -       1 s  1m 15s  agent-1
                """)
    }
}
