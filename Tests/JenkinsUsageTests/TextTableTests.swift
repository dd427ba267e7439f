// Tables for terminals, and numbers for people.
import Testing
import TextTables

@Suite struct TextTableTests {
    private var table: TextTable {
        var table = TextTable([
            .init("JOB", mayShrink: true, keepsEnd: true), .init("CPUS", .right), .init("REASON", mayShrink: true),
        ])
        table.add(["release/app", "4", "no offer with 4 CPUs in role ci: 3.5 free on agent-7"])
        table.add(["x", "0.5", "image pull on agent-2, 62 %"])
        return table
    }

    @Test func `columns are as wide as they need, numbers end together`() {
        let text = """
            JOB          CPUS  REASON
            release/app     4  no offer with 4 CPUs in role ci: 3.5 free on agent-7
            x             0.5  image pull on agent-2, 62 %
            """
        #expect(table.text(width: nil) == text)
        #expect(table.text(width: 200) == text)
    }

    @Test(arguments: [40, 50, 60, 70])
    func `a narrow terminal shortens the longest column first`(width: Int) {
        let lines = table.text(width: width).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= width })
        #expect(lines[1].contains("…"))
        #expect(lines[1].hasPrefix("release/app") || width < 40)
    }

    @Test func `a shortened name of a job keeps its end`() {
        var table = TextTable([.init("JOB", mayShrink: true, keepsEnd: true)])
        table.add(["a/very/long/folder/name/app"])
        #expect(table.text(width: 10) == "JOB\n…/name/app")
    }

    @Test func `no terminal is too narrow to print`() {
        #expect(!table.text(width: 1).isEmpty)
    }

    @Test func `what a name contains does not move the cursor`() {
        var table = TextTable([.init("JOB")])
        table.add(["a\u{1B}[2Jb\nc"])
        #expect(table.text(width: nil) == "JOB\na [2Jb c")
    }

    @Test func `values with commas and quotes are quoted`() {
        var table = TextTable([.init("job"), .init("label")])
        table.add(["a,b", "say \"x\""])
        #expect(table.csv == "job,label\n\"a,b\",\"say \"\"x\"\"\"")
    }

    @Test(arguments: [
        (0.25, "0.25"), (4.0, "4"), (12.504, "12.5"), (-0.001, "0"), (-1.5, "-1.5"), (.nan, "-"),
    ])
    func `numbers have no more digits than they need`(value: Double, text: String) {
        #expect(Figures.decimal(value) == text)
    }

    @Test(arguments: [
        (0.34, "0.3 s"), (9.96, "10 s"), (42.4, "42 s"), (59.7, "1m 00s"), (185.0, "3m 05s"), (7_800.0, "2h 10m"),
        (273_600.0, "3d 4h"),
    ])
    func `a time span is written as people say it`(seconds: Double, text: String) {
        #expect(Figures.span(seconds) == text)
    }

    @Test func `memory is in the unit that fits`() {
        #expect(Figures.memory(512) == "512 MiB")
        #expect(Figures.memory(1_536) == "1.5 GiB")
    }
}
