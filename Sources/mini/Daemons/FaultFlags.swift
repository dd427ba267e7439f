// The flags about agents that vanish and about fault domains: texts with a syntax of their own.

import MesosProtocol
import Settings

enum FaultFlags {
    /// A share of agents, `40%`, as a number from 0 to 1.
    static func share(_ settings: ResolvedSettings, _ flag: String) throws(SettingsProblem) -> Double? {
        guard let text = settings.text(flag) else { return nil }
        guard text.hasSuffix("%"), let percent = FlagText.number(String(text.dropLast())), percent <= 100 else {
            throw settings.problem(flag, "expected a percentage from 0% to 100%")
        }
        return percent / 100
    }

    /// A rate, `1/10mins`, as the time between two.
    static func interval(_ settings: ResolvedSettings, _ flag: String) throws(SettingsProblem) -> Duration? {
        guard let text = settings.text(flag) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = FlagText.integer(String(parts[0])), count > 0,
            let time = FlagText.duration(String(parts[1])), time > .zero
        else { throw settings.problem(flag, "expected a number and a duration, such as 1/10mins") }
        return time / count
    }

    /// A fault domain, `{"fault_domain": {"region": {"name": "r"}, "zone": {"name": "z"}}}`.
    static func domain(_ settings: ResolvedSettings) throws(SettingsProblem) -> V1DomainInfo? {
        guard let text = settings.text("domain") else { return nil }
        guard let domain: V1DomainInfo = try? MediaType.json.decode(from: Array(text.utf8)), domain.hasFaultDomain
        else {
            throw settings.problem(
                "domain", #"expected {"fault_domain": {"region": {"name": "r"}, "zone": {"name": "z"}}}"#)
        }
        return domain
    }
}
