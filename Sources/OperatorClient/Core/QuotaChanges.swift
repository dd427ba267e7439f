// `mini quota`: what a role is guaranteed and how far it may go, read and written.

import MesosProtocol
import Resources
import TextTables

public struct QuotaReport: Report {
    public struct Entry: Encodable, Hashable, Sendable {
        public var role: String
        /// By resource name.
        public var guarantee: [String: Double]
        public var limit: [String: Double]
        /// What counts against it now; empty where it is not known.
        public var consumed: [String: Double]
    }
    public var quotas: [Entry]

    public init(_ answer: V1OperatorResponse.GetQuota, roles: [ClusterRole]) {
        let consumed = Dictionary(roles.map { ($0.name, $0.consumed) }) { first, _ in first }
        quotas = answer.status.configs.map { config in
            Entry(
                role: config.role, guarantee: config.guarantees.mapValues(\.value),
                limit: config.limits.mapValues(\.value), consumed: consumed[config.role] ?? [:])
        }.sorted { $0.role < $1.role }
    }

    public func text(_ sheet: Sheet) -> String {
        guard !quotas.isEmpty else { return "no role has a quota" }
        var table = TextTable([
            .init("ROLE", mayShrink: true, keepsEnd: true), .init("GUARANTEE", mayShrink: true),
            .init("LIMIT", mayShrink: true), .init("CONSUMED", mayShrink: true, dropOrder: 1),
        ])
        for entry in quotas {
            table.add([
                entry.role, Quantities.text(entry.guarantee), Quantities.text(entry.limit),
                Quantities.text(entry.consumed),
            ])
        }
        return table.text(width: sheet.width)
    }
}

public enum QuotaChange {
    /// - Parameters:
    ///   - guarantee: `cpus:4;mem:1024`; nil keeps what there is.
    ///   - limit: The same.
    ///   - current: What the role has now.
    public static func call(
        role: String, guarantee: String?, limit: String?, force: Bool, current: QuotaReport.Entry?
    ) throws(ArgumentProblem) -> V1OperatorCall {
        var config = V1QuotaQuotaConfig()
        do throws(RoleNameError) { config.role = try RoleName(role).value } catch { throw ArgumentProblem("\(error)") }
        config.guarantees = scalars(
            try guarantee.map { text throws(ArgumentProblem) in
                try amounts(text, "--guarantee")
            } ?? current?.guarantee ?? [:])
        config.limits = scalars(
            try limit.map { text throws(ArgumentProblem) in
                try amounts(text, "--limit")
            } ?? current?.limit ?? [:])
        for (name, least) in config.guarantees.sorted(by: { $0.key < $1.key }) {
            guard let most = config.limits[name], most.value < least.value else { continue }
            throw ArgumentProblem(
                "\(name): expected a limit of at least the guarantee \(Figures.decimal(least.value, 3)), found "
                    + Figures.decimal(most.value, 3))
        }
        return call(config, force: force)
    }

    /// A quota without guarantees and limits is none.
    public static func removal(role: String) -> V1OperatorCall {
        var config = V1QuotaQuotaConfig()
        config.role = role
        return call(config, force: false)
    }

    private static func call(_ config: V1QuotaQuotaConfig, force: Bool) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .updateQuota
        call.updateQuota.quotaConfigs = [config]
        if force { call.updateQuota.force = true }
        return call
    }

    private static func scalars(_ amounts: [String: Double]) -> [String: V1Value.Scalar] {
        amounts.mapValues { amount in
            var scalar = V1Value.Scalar()
            scalar.value = amount
            return scalar
        }
    }

    private static func amounts(_ text: String, _ flag: String) throws(ArgumentProblem) -> [String: Double] {
        let resources: Resources
        do throws(ResourceParseError) { resources = try Resources.parse(text) } catch {
            throw ArgumentProblem("\(flag): \(error)")
        }
        var amounts: [String: Double] = [:]
        for entry in resources.entries {
            guard case .scalar(let value) = entry.value, entry.reservations.isEmpty else {
                throw ArgumentProblem("\(flag): \(entry.name): expected a number, as in cpus:4;mem:1024")
            }
            amounts[entry.name] = value.doubleValue
        }
        return amounts
    }
}
