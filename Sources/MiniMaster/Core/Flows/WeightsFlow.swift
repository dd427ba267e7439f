// Weights of roles: checked, stored, and then felt by the next allocation.
import Allocator
import MesosProtocol
import Resources

extension Cluster {
    /// Weights of the registry win over those of the command line, which are stored when there are none yet: later
    /// changes of single roles must not make the others fall back.
    mutating func adoptWeights(_ stored: [RoleName: Weight]) {
        let weights = (stored.isEmpty ? settings.weights : stored).sorted { $0.key < $1.key }
        for (role, weight) in weights { allocator.setWeight(role, weight) }
        if stored.isEmpty, !weights.isEmpty {
            persist(weights.map { .setWeight($0.key, $0.value) }, then: .nothing)
        }
    }

    mutating func updateWeights(_ request: RequestNumber, _ call: V1OperatorCall.UpdateWeights) {
        guard call.weightInfos.count <= Self.changesPerCallMax else {
            return refuse(request, 400, "More than \(Self.changesPerCallMax) weights in one call")
        }
        var weights: [RoleName: Weight] = [:]
        for info in call.weightInfos {
            switch Self.judge(info, allowed: settings.roles) {
            case .success(let (role, weight)): weights[role] = weight
            case .failure(let fault):
                return refuse(request, 400, "Failed to validate update weights request JSON\(fault)")
            }
        }
        guard !weights.isEmpty else { return answer(request, .done) }
        let sorted = weights.sorted { $0.key < $1.key }
        persist(
            sorted.map { .setWeight($0.key, $0.value) },
            then: .operatorChange(.weights(sorted.map(\.key), request)))
    }

    private struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    private static func judge(
        _ info: V1WeightInfo, allowed: Set<RoleName>?
    ) -> Result<(RoleName, Weight), Fault> {
        let name = trimmed(info.role)
        let role: RoleName
        do throws(RoleNameError) { role = try RoleName(name) } catch {
            let reason = FrameworkValidation.fault(inRole: name) ?? "\(error)"
            return .failure(Fault(description: ": Invalid role '\(name)': \(reason)"))
        }
        if let allowed, role != .any, !allowed.contains(role) {
            return .failure(Fault(description: ": Unknown role '\(name)'"))
        }
        guard let weight = Weight(info.weight) else {
            let text = number(info.weight)
            let reason =
                info.weight > 0 ? "Weights must be between 0.000001 and 1000000000" : "Weights must be positive"
            return .failure(Fault(description: " for role '\(name)': Invalid weight '\(text)': \(reason)"))
        }
        return .success((role, weight))
    }

    /// `-1`, not `-1.0`: whole numbers as Apache Mesos prints them.
    static func number(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    static func trimmed(_ text: String) -> String {
        var rest = Substring(text)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }

    mutating func weightsStored(_ roles: [RoleName], _ request: RequestNumber) {
        for role in roles { allocator.setWeight(role, registry.weights[role] ?? .one) }
        let changed = Set(roles)
        // A weight decides among siblings all the way up, so whoever subscribes to a role or to one below it is
        // concerned.
        let isFelt = frameworks.connected.contains { framework in
            framework.roles.contains { changed.contains($0) || $0.ancestors.contains(where: changed.contains) }
        }
        if isFelt { for offer in offers.all { rescind(offer.id) } }
        note(.info, "weights changed: \(roles.map { "\($0)=\(registry.weights[$0] ?? .one)" }.joined(separator: ", "))")
        wantAllocation()
        answer(request, .done)
    }
}
