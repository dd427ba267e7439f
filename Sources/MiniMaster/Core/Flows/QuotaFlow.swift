// Quotas of roles: checked against what the cluster has and what the role consumes, stored, and then enforced.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// A new leader with quotas makes no offers until enough agents are back, or it would give away what is guaranteed.
    struct QuotaHold: Equatable, Sendable {
        var timer: UInt64
        /// So many agents have still to register.
        var missing: Int
    }

    // MARK: Recovery

    mutating func adoptQuotas(_ state: RegistryState) {
        guard !state.quotas.isEmpty else { return }
        allocator.setQuotas(state.quotas.mapValues { Optional($0) })
        let missing = Int(Double(state.agents.count) * settings.allocatorRecoveryFactor)
        guard missing > 0 else { return }
        allocator.pause()
        let timer = scheduleNumbered(after: settings.allocatorRecoveryTimeout) { .quotaRecovery($0) }
        quotaHold = QuotaHold(timer: timer, missing: missing)
        note(.info, "no offers before \(missing) agents are back, since there are quotas to keep")
    }

    /// An agent registered for the first time under this leader.
    mutating func countTowardsQuotaHold() {
        guard var hold = quotaHold else { return }
        hold.missing -= 1
        quotaHold = hold
        if hold.missing <= 0 { endQuotaHold() }
    }

    mutating func quotaRecoveryTimedOut(_ number: UInt64) {
        guard let hold = quotaHold, hold.timer == number else { return }
        note(.warning, "\(hold.missing) agents are still missing; offers are made without waiting any longer for them")
        endQuotaHold()
    }

    private mutating func endQuotaHold() {
        quotaHold = nil
        allocator.resume()
        wantAllocation()
    }

    // MARK: Calls

    mutating func updateQuota(_ request: RequestNumber, _ call: V1OperatorCall.UpdateQuota) {
        guard call.quotaConfigs.count <= Self.changesPerCallMax else {
            return refuse(request, 400, "More than \(Self.changesPerCallMax) quotas in one call")
        }
        var changes: [RoleName: Quota] = [:]
        for config in call.quotaConfigs {
            switch QuotaRules.judge(config, allowed: settings.roles) {
            case .valid(let role, let quota): changes[role] = quota
            case .invalid(let fault): return refuse(request, 400, fault)
            }
        }
        if !call.force {
            for (role, quota) in changes.sorted(by: { $0.key < $1.key }) {
                let consumed = quotaConsumption(of: role)
                guard QuotaRules.isWithin(consumed, quota.limits) else {
                    return refuse(
                        request, 400,
                        "Invalid QuotaConfig: Role '\(role)' is already consuming '\(QuotaRules.text(consumed))'; this "
                            + "is more than the requested limits '\(QuotaRules.text(quota.limits))' (use 'force' flag "
                            + "to bypass this check)")
                }
            }
        }
        let (guarantees, fault) = totalGuarantees(with: changes)
        if let fault { return refuse(request, 400, "Invalid QuotaConfig: \(fault)") }
        if !call.force, let (total, capacity) = overcommitment(of: guarantees) {
            return refuse(
                request, 400,
                "Invalid QuotaConfig: total quota guarantees '\(total)' exceed cluster capacity '\(capacity)' (use "
                    + "'force' flag to bypass this check)")
        }
        persistQuotas(changes, request)
    }

    /// The older form: the guarantee is the limit as well, and a quota that exists cannot be changed.
    mutating func setQuota(_ request: RequestNumber, _ call: V1QuotaQuotaRequest) {
        switch QuotaRules.judge(call, allowed: settings.roles) {
        case .invalid(let fault): return refuse(request, 400, fault)
        case .valid(let role, let quota):
            guard registrar.planned.quotas[role] == nil else {
                return refuse(
                    request, 400,
                    "Failed to validate set quota request: Cannot set quota for role '\(role)' which already has quota")
            }
            let (guarantees, fault) = totalGuarantees(with: [role: quota])
            if let fault { return refuse(request, 400, "Failed to validate set quota request: \(fault)") }
            if !call.force, let (total, capacity) = overcommitment(of: guarantees) {
                return refuse(
                    request, 409,
                    "Quota guarantees overcommit the cluster (use 'force' to bypass this check): Total quota "
                        + "guarantees '\(total)' exceed cluster capacity '\(capacity)'")
            }
            persistQuotas([role: quota], request)
        }
    }

    mutating func removeQuota(_ request: RequestNumber, _ name: String) {
        guard let role = try? RoleName(name), registrar.planned.quotas[role] != nil else {
            return refuse(request, 400, "Failed to remove quota: Role '\(name)' has no quota set")
        }
        persistQuotas([role: Quota()], request)
    }

    private mutating func persistQuotas(_ changes: [RoleName: Quota], _ request: RequestNumber) {
        let sorted = changes.sorted { $0.key < $1.key }
        persist(
            sorted.map { .setQuota($0.key, $0.value.isDefault ? nil : $0.value) },
            then: .operatorChange(.quotas(sorted.map(\.key), request)))
    }

    // MARK: Sums

    /// What a role and the roles below it use, and what is reserved to them, in use or not. Offers do not count: they
    /// can be taken back.
    package func quotaConsumption(of role: RoleName) -> [String: Scalar] {
        var sum: [String: Scalar] = [:]
        for agent in agents.all where agent.isAllocated {
            for reserved in agent.total.reservedRoles where reserved == role || role.isAncestor(of: reserved) {
                for (name, value) in agent.total.nonRevocable.reserved(for: reserved).scalars {
                    sum[name, default: .zero] += value
                }
            }
        }
        tasks.forEach { task in
            guard task.isCharged, task.role == role || role.isAncestor(of: task.role) else { return }
            for (name, value) in task.resources.nonRevocable.unreserved.scalars { sum[name, default: .zero] += value }
        }
        return sum.filter { !$0.value.isZero }
    }

    private func totalGuarantees(
        with changes: [RoleName: Quota]
    ) -> (total: [String: Scalar], fault: String?) {
        var total: [String: Scalar] = [:]
        for (_, quota) in registrar.planned.quotas.merging(changes, uniquingKeysWith: { $1 }) {
            for (name, value) in quota.guarantees {
                let (sum, overflow) = total[name, default: .zero].milli.addingReportingOverflow(value.milli)
                guard !overflow, sum < .max / 4 else {
                    return (total, "The sum of all guarantees of '\(name)' is too large")
                }
                total[name] = Scalar(milli: sum)
            }
        }
        return (total.filter { !$0.value.isZero }, nil)
    }

    /// The texts of what is guaranteed and of what there is, if the first is more. Agents that are away for a moment
    /// count; those not yet back after a change of leader cannot.
    private func overcommitment(of guarantees: [String: Scalar]) -> (total: String, capacity: String)? {
        var capacity: [String: Scalar] = [:]
        for agent in agents.all where agent.isAllocated {
            for (name, value) in agent.total.nonRevocable.scalars { capacity[name, default: .zero] += value }
        }
        guard guarantees.contains(where: { capacity[$0.key, default: .zero] < $0.value }) else { return nil }
        return (QuotaRules.text(guarantees), QuotaRules.text(capacity))
    }

    // MARK: Effect

    mutating func quotasStored(_ roles: [RoleName], _ request: RequestNumber) {
        var changes: [RoleName: Quota?] = [:]
        for role in roles { changes.updateValue(registry.quotas[role], forKey: role) }
        allocator.setQuotas(changes)
        for role in roles { rescindOffers(forQuotaOf: role) }
        note(.info, "quotas changed: \(roles.map(\.value).joined(separator: ", "))")
        wantAllocation()
        answer(request, .done)
    }

    /// Takes back the role's own offers as long as they exceed its limits, and then those of others as long as they
    /// hold what its guarantees need. What is free besides is not counted: it may be gone with the next allocation.
    private mutating func rescindOffers(forQuotaOf role: RoleName) {
        guard let quota = registry.quotas[role] else { return }
        let all = offers.all
        let isOwn: (Offer) -> Bool = { $0.role == role || role.isAncestor(of: $0.role) }
        let own = all.filter(isOwn)
        var held = quotaConsumption(of: role)
        for offer in own { QuotaRules.add(offer.resources, to: &held) }
        for offer in own where QuotaRules.touches(offer.resources, QuotaRules.excess(of: held, over: quota.limits)) {
            QuotaRules.subtract(offer.resources, from: &held)
            rescind(offer.id)
        }
        for offer in all where !isOwn(offer) {
            let missing = quota.guarantees.filter { held[$0.key, default: .zero] < $0.value }
            if missing.isEmpty { break }
            guard QuotaRules.touches(offer.resources, Set(missing.keys)) else { continue }
            QuotaRules.add(offer.resources, to: &held)
            rescind(offer.id)
        }
    }

    // MARK: View

    /// All quotas as GET_QUOTA shows them, sorted by role.
    package var quotaStatus: V1QuotaQuotaStatus {
        var status = V1QuotaQuotaStatus()
        for (role, quota) in registry.quotas.sorted(by: { $0.key < $1.key }) {
            var info = V1QuotaQuotaInfo()
            info.role = role.value
            info.guarantee = quota.guarantees.sorted { $0.key < $1.key }.filter { !$0.value.isZero }.map {
                name, value in
                var resource = V1Resource()
                resource.name = name
                resource.type = .scalar
                resource.scalar.value = value.doubleValue
                return resource
            }
            status.infos.append(info)
            status.configs.append(QuotaRules.message(quota, of: role))
        }
        return status
    }
}
