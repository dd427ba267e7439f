// May a quota be as an operator wants it? The reasons are what Apache Mesos answers.
import Allocator
import MesosProtocol
import Resources

enum QuotaRules {
    enum Verdict: Equatable {
        case valid(RoleName, Quota)
        /// The text of the answer.
        case invalid(String)
    }

    /// 1 exabyte in the unit of `mem` and `disk`.
    private static let bytesMax = 1_099_511_627_776.0
    private static let othersMax = 1_000_000_000_000.0
    /// A list longer than this is refused: names of resources are few.
    private static let namesMax = 100

    // MARK: UPDATE_QUOTA

    static func judge(_ config: V1QuotaQuotaConfig, allowed: Set<RoleName>?) -> Verdict {
        let name = config.role
        if let allowed, name != "*", !allowed.contains(where: { $0.value == name }) {
            return .invalid("Invalid QuotaConfig: '\(name)' is not on the roles whitelist")
        }
        if name.contains("/") { return .invalid("Updating quota on nested role '\(name)' is not supported yet") }
        guard let role = try? RoleName(name) else {
            let reason = FrameworkValidation.fault(inRole: name) ?? "'\(name)'"
            return .invalid("Invalid QuotaConfig: Invalid 'QuotaConfig.role': \(reason)")
        }
        if role == .any {
            return .invalid(
                "Invalid QuotaConfig: Invalid 'QuotaConfig.role': setting quota for the default '*' role is not "
                    + "supported")
        }
        let guarantees = config.guarantees.mapValues(\.value)
        let limits = config.limits.mapValues(\.value)
        if let fault = fault(inSizes: guarantees) {
            return .invalid("Invalid QuotaConfig: Invalid 'QuotaConfig.guarantees': \(fault)")
        }
        if let fault = fault(inSizes: limits) {
            return .invalid("Invalid QuotaConfig: Invalid 'QuotaConfig.limits': \(fault)")
        }
        for (kind, values) in [("guarantee", guarantees), ("limit", limits)] {
            for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                guard let fault = fault(in: value) else { continue }
                let text = Cluster.number(value)
                return .invalid("Invalid QuotaConfig: Invalid \(kind) configuration {'\(name)': \(text)}: \(fault)")
            }
        }
        let quota = Quota(
            guarantees: guarantees.mapValues(scalar).filter { !$0.value.isZero }, limits: limits.mapValues(scalar))
        guard isWithin(quota.guarantees, quota.limits) else {
            return .invalid(
                "Invalid QuotaConfig: 'QuotaConfig.guarantees' \(mapText(guarantees)) is not contained within the "
                    + "'QuotaConfig.limits' \(mapText(limits))")
        }
        return .valid(role, quota)
    }

    private static func fault(inSizes values: [String: Double]) -> String? {
        if values.count > namesMax { return "more than \(namesMax) resources" }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            let entry = "{'\(name)': \(Cluster.number(value))} is invalid: values greater than"
            if name == "mem" || name == "disk" {
                if value > bytesMax { return "\(entry) 1 exabyte (\(Int64(bytesMax))) are not supported" }
            } else if value > othersMax {
                return "\(entry) 1 trillion (\(Int64(othersMax))) are not supported"
            }
        }
        return nil
    }

    static func fault(in value: Double) -> String? {
        if value.isInfinite { return "Infinite values not supported" }
        if value.isNaN { return "NaN not supported" }
        if value.isSubnormal { return "Subnormal values not supported" }
        return value < 0 ? "Negative values not supported" : nil
    }

    /// Thousandths; unlike amounts of resources, quotas may be as large as an exabyte.
    private static func scalar(_ value: Double) -> Scalar { Scalar(milli: Scalar.nearest(value * 1_000)) }

    // MARK: SET_QUOTA

    static func judge(_ request: V1QuotaQuotaRequest, allowed: Set<RoleName>?) -> Verdict {
        let prefix = "Failed to validate set quota request: "
        for resource in request.guarantee {
            do throws(ResourceConversionError) { _ = try ResourceEntry(resource) } catch {
                return .invalid("\(prefix)QuotaInfo with invalid resource: \(error)")
            }
        }
        guard request.hasRole else { return .invalid("\(prefix)QuotaInfo must specify a role") }
        let name = request.role
        guard let role = try? RoleName(name) else {
            let reason = FrameworkValidation.fault(inRole: name) ?? "'\(name)'"
            return .invalid("\(prefix)QuotaInfo with invalid role: \(reason)")
        }
        if role == .any {
            return .invalid("\(prefix)Invalid QuotaInfo: setting quota for the default '*' role is not supported")
        }
        if request.guarantee.isEmpty { return .invalid("\(prefix)QuotaInfo with empty 'guarantee'") }
        var amounts: [String: Double] = [:]
        for resource in request.guarantee {
            if let fault = fault(in: resource) { return .invalid("\(prefix)\(fault)") }
            guard amounts.updateValue(resource.scalar.value, forKey: resource.name) == nil else {
                return .invalid("\(prefix)QuotaInfo contains duplicate resource name '\(resource.name)'")
            }
        }
        if let fault = fault(inSizes: amounts) { return .invalid("\(prefix)\(fault)") }
        if let allowed, !allowed.contains(role) { return .invalid("\(prefix)Unknown role '\(name)'") }
        if name.contains("/") { return .invalid("Setting quota on nested role '\(name)' is not supported yet") }
        let scalars = amounts.mapValues(scalar)
        return .valid(role, Quota(guarantees: scalars.filter { !$0.value.isZero }, limits: scalars))
    }

    private static func fault(in resource: V1Resource) -> String? {
        let isReserved = !resource.reservations.isEmpty || resource.hasReservation
        if isReserved || (resource.hasRole && resource.role != "*") {
            return "QuotaInfo must not contain any ReservationInfo"
        }
        if resource.hasDisk { return "QuotaInfo must not contain DiskInfo" }
        if resource.hasRevocable { return "QuotaInfo must not contain RevocableInfo" }
        return resource.type == .scalar ? nil : "QuotaInfo must not include non-scalar resources"
    }

    // MARK: Amounts

    /// A name without a limit is unlimited.
    static func isWithin(_ amounts: [String: Scalar], _ limits: [String: Scalar]) -> Bool {
        excess(of: amounts, over: limits).isEmpty
    }

    static func excess(of amounts: [String: Scalar], over limits: [String: Scalar]) -> Set<String> {
        Set(limits.filter { amounts[$0.key, default: .zero] > $0.value }.keys)
    }

    static func touches(_ resources: Resources, _ names: Set<String>) -> Bool {
        !names.isEmpty && resources.scalars.contains { names.contains($0.name) }
    }

    static func add(_ resources: Resources, to sum: inout [String: Scalar]) {
        for (name, value) in resources.nonRevocable.unreserved.scalars { sum[name, default: .zero] += value }
    }

    static func subtract(_ resources: Resources, from sum: inout [String: Scalar]) {
        for (name, value) in resources.nonRevocable.unreserved.scalars { sum[name, default: .zero] -= value }
    }

    /// `cpus:0.6; mem:192`, as Apache Mesos writes quantities.
    static func text(_ amounts: [String: Scalar]) -> String {
        if amounts.isEmpty { return "{}" }
        return amounts.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: "; ")
    }

    private static func mapText(_ values: [String: Double]) -> String {
        let entries = values.sorted { $0.key < $1.key }.map { "\($0.key): \(Cluster.number($0.value))" }
        return "{ \(entries.joined(separator: ", ")) }"
    }

    /// As it is kept in the registry and shown to operators.
    static func message(_ quota: Quota, of role: RoleName) -> V1QuotaQuotaConfig {
        var config = V1QuotaQuotaConfig()
        config.role = role.value
        config.guarantees = quota.guarantees.mapValues(message)
        config.limits = quota.limits.mapValues(message)
        return config
    }

    private static func message(_ scalar: Scalar) -> V1Value.Scalar {
        var message = V1Value.Scalar()
        message.value = scalar.doubleValue
        return message
    }

    /// Reads back what `message` made; nil if it is not a quota.
    static func quota(_ config: V1QuotaQuotaConfig) -> (role: RoleName, quota: Quota)? {
        guard case .valid(let role, let quota) = judge(config, allowed: nil), !quota.isDefault else { return nil }
        return (role, quota)
    }
}
