// Resources as one framework sees them: with or without allocation roles, in the old or the new form of reservations.
import MesosProtocol
import Resources

enum OfferedResources {
    /// Resources of an offer.
    ///
    /// Frameworks with RESERVATION_REFINEMENT see the form with a stack of reservations; the others see the older one,
    /// `role` and at most one dynamic `reservation`.
    static func message(
        _ resources: Resources, role: RoleName, for capabilities: FrameworkCapabilities
    ) -> [V1Resource] {
        let hasStacks = capabilities.contains(.reservationRefinement)
        var messages = resources.protobuf(allocationRole: role, format: hasStacks ? .postRefinement : .preRefinement)
        guard !capabilities.contains(.multiRole) else { return messages }
        // A framework with one role never hears of allocation roles.
        for index in messages.indices { messages[index].clearAllocationInfo() }
        return messages
    }

    /// Resources as a message for people names them: `cpus(allocated: dev):1; mem(allocated: dev):32`.
    static func text(_ resources: Resources, allocatedTo role: RoleName) -> String {
        resources.entries.map { entry in
            let text = entry.description
            guard let colon = text.firstIndex(of: ":") else { return text }
            return "\(text[..<colon])(allocated: \(role))\(text[colon...])"
        }.joined(separator: "; ")
    }
}
