/// Faults of time and transport that test control can ask for: freezes, restarts, lost and delayed answers.
struct FaultPlan: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// Answer this status instead of doing anything.
        case fail(status: Int)
        /// Do what was asked, then answer only after so long. Longer than the client waits, it is a lost answer.
        case delayAnswer(milliseconds: Int64)
        /// Do what was asked, then break the connection off.
        case dropAnswer
    }
    struct Rule: Equatable, Sendable {
        var kind: Kind
        /// Requests whose path contains this, and of this method if one is given.
        var path: String
        var method: String?
        var timesLeft: Int
    }

    /// No answer to anything before then; what arrived is carried out afterwards.
    var frozenUntil = PracticeTime(milliseconds: 0)
    /// 503 until then.
    var downUntil = PracticeTime(milliseconds: 0)
    private(set) var rules: [Rule] = []
    static let rulesMax = 1_000

    /// Takes back every rule and ends a freeze.
    mutating func clear() {
        rules = []
        frozenUntil = PracticeTime(milliseconds: 0)
    }

    mutating func add(_ rule: Rule) {
        if rules.count < Self.rulesMax { rules.append(rule) }
    }

    /// Uses up one turn of the first rule that applies.
    mutating func take(method: String, path: String) -> Kind? {
        let applies = { (rule: Rule) in path.contains(rule.path) && (rule.method ?? method) == method }
        guard let index = rules.firstIndex(where: applies) else { return nil }
        let kind = rules[index].kind
        rules[index].timesLeft -= 1
        if rules[index].timesLeft <= 0 { rules.remove(at: index) }
        return kind
    }
}
