// One line of the doctor's report.

/// What was looked at, what was found, and what to do about it.
struct Finding: Equatable, Sendable {
    enum Severity: String, Comparable, Sendable {
        case fine = "ok"
        case warning
        case problem

        private var rank: Int {
            switch self {
            case .fine: 0
            case .warning: 1
            case .problem: 2
            }
        }

        static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    }

    var check: String
    var severity: Severity
    var text: String
    /// A command or a setting by name; nil when nothing needs to be done.
    var fix: String?

    static func fine(_ check: String, _ text: String) -> Finding {
        Finding(check: check, severity: .fine, text: text)
    }

    static func warning(_ check: String, _ text: String, fix: String) -> Finding {
        Finding(check: check, severity: .warning, text: text, fix: fix)
    }

    static func problem(_ check: String, _ text: String, fix: String) -> Finding {
        Finding(check: check, severity: .problem, text: text, fix: fix)
    }
}

extension [Finding] {
    /// 0: all is well. 1: something will hurt one day. 2: an agent will not work here.
    var exitStatus: Int32 {
        switch map(\.severity).max() {
        case .problem: 2
        case .warning: 1
        case .fine, nil: 0
        }
    }
}
