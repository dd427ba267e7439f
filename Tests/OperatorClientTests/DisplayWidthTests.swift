// Texts in a terminal: how wide they are, what is cut, what is not let through.

import Testing
import TextTables

@Suite struct DisplayWidthTests {
    @Test(arguments: [
        ("abc", 3), ("", 0), ("é", 1), ("e\u{301}", 1), ("構建", 4), ("한글", 4), ("🚀", 2), ("👨‍👩‍👧", 2), ("❤️", 2), ("Ω≈", 2),
    ])
    func `a character takes as many columns as a terminal gives it`(text: String, width: Int) {
        #expect(DisplayWidth.of(text) == width)
    }

    @Test func `a wide character is never cut in half`() {
        #expect(DisplayWidth.shortened("構建任務", to: 6) == "構建…")
        #expect(DisplayWidth.shortened("構建任務", to: 7) == "構建任…")
        #expect(DisplayWidth.shortened("構建任務", to: 6, keepsEnd: true) == "…任務")
        #expect(DisplayWidth.shortened("構建任務", to: 8) == "構建任務")
        #expect(DisplayWidth.shortened("abc", to: 0) == "")
    }

    @Test func `columns stay in line beside wide characters`() {
        var table = TextTable([.init("NAME"), .init("CPUS", .right)])
        table.add(["構建", "1"])
        table.add(["ab", "12"])
        #expect(table.text(width: nil) == "NAME  CPUS\n構建     1\nab      12")
    }

    @Test func `what would move the cursor or turn the line is written out`() {
        #expect(DisplayWidth.escaped("a\u{1B}[31mb\n\u{202E}c\u{9B}") == "a\\u{1B}[31mb\\n\\u{202E}c\\u{9B}")
        #expect(DisplayWidth.escaped("plain 構建") == "plain 構建")
    }

    @Test func `a stranger's text takes no more of a line than its beginning, and breaks none`() {
        #expect(DisplayWidth.line("a\u{7F}b\r\nc\u{9B}") == #"a\u{7F}b\r\nc\u{9B}"#)
        #expect(DisplayWidth.line(String(repeating: "x", count: 100)) == String(repeating: "x", count: 100))
        #expect(DisplayWidth.line(String(repeating: "x", count: 101)) == String(repeating: "x", count: 100) + "…")
        #expect(DisplayWidth.line("ab\ncd", atMost: 3) == #"ab\n…"#)
        // One character of a thousand marks is not one of a hundred.
        #expect(DisplayWidth.line("e" + String(repeating: "\u{301}", count: 1_000)).unicodeScalars.count == 101)
        #expect(DisplayWidth.line("") == "")
    }

    @Test func `columns that matter least are left out before others become unreadable`() {
        var table = TextTable([
            .init("ID", mayShrink: true, keepsEnd: true), .init("HOST", dropOrder: 1), .init("STATE"),
            .init("VERSION", dropOrder: 2),
        ])
        table.add(["788623d3-9f18-45cd-baed-e7269ae665b1-S0", "build-host-17.example.com", "active", "1.11.0"])
        let width = { (columns: Int) in table.text(width: columns).split(separator: "\n")[0] }
        #expect(width(100).contains("VERSION"))
        #expect(width(60).contains("VERSION"))
        #expect(!width(50).contains("VERSION"))
        #expect(width(50).contains("HOST"))
        #expect(!width(40).contains("HOST"))
        #expect(table.text(width: 24) == "ID                STATE\n…e7269ae665b1-S0  active")
    }

    @Test(arguments: [
        (0.0, "1970-01-01 00:00:00Z"), (951_782_400.0, "2000-02-29 00:00:00Z"),
        (1_795_684_084.9, "2026-11-26 09:08:04Z"),
        (4_107_542_399.0, "2100-02-28 23:59:59Z"), (4_107_542_400.0, "2100-03-01 00:00:00Z"), (-1.0, "-"), (.nan, "-"),
    ])
    func `a time is a date of the calendar`(seconds: Double, text: String) {
        #expect(Figures.time(seconds) == text)
    }
}
