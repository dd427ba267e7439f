// `mini reserve` and `unreserve`: resources of an agent set aside for a role, and given back.

import MesosProtocol
import Resources

public enum ReservationChange {
    private static func parse(_ text: String) throws(ArgumentProblem) -> Resources {
        let resources: Resources
        do throws(ResourceParseError) { resources = try Resources.parse(text) } catch {
            throw ArgumentProblem("\(error)")
        }
        guard !resources.isEmpty else { throw ArgumentProblem("expected resources, as in cpus:2;mem:512") }
        guard resources.reservedRoles.isEmpty else {
            throw ArgumentProblem("expected resources without a role, which --role names: cpus:2;mem:512")
        }
        return resources
    }

    private static func parseRole(_ role: String) throws(ArgumentProblem) -> RoleName {
        let name: RoleName
        do throws(RoleNameError) { name = try RoleName(role) } catch { throw ArgumentProblem("--role: \(error)") }
        guard name != .any else { throw ArgumentProblem("--role: nothing can be reserved for '*'") }
        return name
    }

    /// - Parameters:
    ///   - resources: `cpus:2;mem:512`
    ///   - principal: Who asks; the master wants to find it in the reservation.
    public static func reserve(
        _ resources: String, role: String, principal: String?, on agent: ClusterAgent
    ) throws(ArgumentProblem) -> V1OperatorCall {
        let bag = try parse(resources)
        let reservation = Reservation(kind: .dynamic, role: try parseRole(role), principal: principal)
        var reserved = Resources()
        for var entry in bag.entries {
            entry.key.reservations = [reservation]
            reserved.add(entry)
        }
        var call = V1OperatorCall()
        call.type = .reserveResources
        call.reserveResources.agentID.value = agent.id
        call.reserveResources.resources = reserved.protobuf()
        return call
    }

    /// Gives back what is reserved for the role on the agent, whoever reserved it.
    public static func unreserve(
        _ resources: String, role: String, on agent: ClusterAgent
    ) throws(ArgumentProblem) -> V1OperatorCall {
        let wanted = try parse(resources)
        let role = try parseRole(role)
        // What its agent's own settings reserve cannot be given back.
        let held = agent.resources.reserved(for: role).filtered {
            $0.reservations.last?.kind == .dynamic && $0.disk == nil
        }
        guard let pieces = held.taking(wanted) else {
            let what = held.isEmpty ? "nothing" : held.flattened.description
            throw ArgumentProblem(
                "agent \(agent.id) has \(what) reserved for role \(role) by operators or frameworks, which is less than "
                    + "\(wanted)")
        }
        var call = V1OperatorCall()
        call.type = .unreserveResources
        call.unreserveResources.agentID.value = agent.id
        call.unreserveResources.resources = pieces.protobuf()
        return call
    }
}
