// May this operation be done? The requirements on each, in the words of Apache Mesos where clients may know them.
import MesosProtocol
import Resources

/// Judges one operation of a framework or an operator. The first rule that fails decides.
struct OperationRules {
    enum Verdict: Equatable {
        case valid(ResourceConversion)
        case invalid(String)
    }

    let agent: Agent
    /// Everything the agent has, with what earlier operations of the same call made of it.
    let existing: Resources
    /// What tasks and executors hold.
    let used: Resources
    /// Whose name reservations and volumes must bear; nil: anybody's.
    let principal: String?
    /// Nil for an operator.
    let framework: Framework?
    /// The role of the offers; nil for an operator.
    let role: RoleName?

    func judge(_ operation: V1Offer.Operation) -> Verdict {
        if let fault = shapeFault(operation) { return .invalid(fault) }
        let conversion: ResourceConversion
        do throws(ResourceConversionFault) {
            conversion = try ResourceConversion(operation)
        } catch {
            switch error {
            case .resource(let fault): return .invalid(refusal(ofResources: "\(fault)"))
            case .quantitiesDiffer, .notTheSameDisk, .notAConversion: return .invalid("\(error)")
            }
        }
        if let role, let other = Self.otherRole(in: Self.resources(of: operation), than: role) {
            return .invalid(
                refusal(
                    ofResources:
                        "resources are allocated to role '\(other)' while the offers are allocated to role '\(role)'"))
        }
        let fault: String? =
            switch operation.type {
            case .reserve: reserveFault(operation.reserve, conversion.converted)
            case .unreserve: unreserveFault(conversion.consumed)
            case .create: createFault(operation.create.volumes, conversion.converted)
            case .destroy: destroyFault(operation.destroy.volumes, conversion.consumed)
            case .growVolume: resizeFault(operation.growVolume.volume)
            case .shrinkVolume: resizeFault(operation.shrinkVolume.volume)
            case .unknown, .launch, .launchGroup, .createDisk, .destroyDisk: "the operation does not convert resources"
            }
        return fault.map { .invalid($0) } ?? .valid(conversion)
    }

    private func refusal(ofResources fault: String) -> String {
        framework == nil ? "Invalid resources: \(fault)" : "Operation attempted with invalid resources: \(fault)"
    }

    // MARK: Shape

    /// The body that goes with the type, and what no agent here can do.
    private func shapeFault(_ operation: V1Offer.Operation) -> String? {
        let hasBody: Bool
        switch operation.type {
        case .reserve: hasBody = operation.hasReserve
        case .unreserve: hasBody = operation.hasUnreserve
        case .create: hasBody = operation.hasCreate
        case .destroy: hasBody = operation.hasDestroy
        case .growVolume: hasBody = operation.hasGrowVolume
        case .shrinkVolume: hasBody = operation.hasShrinkVolume
        case .createDisk, .destroyDisk: return "'source' is not managed by a resource provider"
        case .unknown, .launch, .launchGroup: return nil
        }
        return hasBody ? nil : "Expecting the body of \(operation.type.name) to be present"
    }

    private static func resources(of operation: V1Offer.Operation) -> [V1Resource] {
        switch operation.type {
        case .reserve: operation.reserve.resources + operation.reserve.source
        case .unreserve: operation.unreserve.resources
        case .create: operation.create.volumes
        case .destroy: operation.destroy.volumes
        case .growVolume: [operation.growVolume.volume, operation.growVolume.addition]
        case .shrinkVolume: [operation.shrinkVolume.volume]
        case .unknown, .launch, .launchGroup, .createDisk, .destroyDisk: []
        }
    }

    private static func otherRole(in resources: [V1Resource], than role: RoleName) -> String? {
        resources.first { $0.hasAllocationInfo && $0.allocationInfo.role != role.value }?.allocationInfo.role
    }

    /// Names the role whose allocation the operation works on wherever the framework left it out.
    static func allocate(_ operation: inout V1Offer.Operation, to role: RoleName) {
        func all(_ resources: [V1Resource]) -> [V1Resource] { resources.map { LaunchedTask.allocated($0, to: role) } }
        switch operation.type {
        case .reserve: operation.reserve.resources = all(operation.reserve.resources)
        case .unreserve: operation.unreserve.resources = all(operation.unreserve.resources)
        case .create: operation.create.volumes = all(operation.create.volumes)
        case .destroy: operation.destroy.volumes = all(operation.destroy.volumes)
        case .growVolume:
            operation.growVolume.volume = LaunchedTask.allocated(operation.growVolume.volume, to: role)
            operation.growVolume.addition = LaunchedTask.allocated(operation.growVolume.addition, to: role)
        case .shrinkVolume:
            operation.shrinkVolume.volume = LaunchedTask.allocated(operation.shrinkVolume.volume, to: role)
        case .unknown, .launch, .launchGroup, .createDisk, .destroyDisk: break
        }
    }

    // MARK: Reservations

    private func reserveFault(_ reserve: V1Offer.Operation.Reserve, _ resources: Resources) -> String? {
        if framework != nil, !reserve.source.isEmpty {
            return "Reservation updates are not yet implemented for the scheduler API."
        }
        if resources.isEmpty { return "No resources specified" }
        for entry in resources.entries {
            guard let reservation = entry.reservations.last, reservation.kind == .dynamic else {
                return "Resource \(entry) is not dynamically reserved"
            }
            if entry.disk?.persistenceID != nil { return "A persistent volume \(entry) must already be reserved" }
            if entry.isRevocable { return "Revocable resource \(entry) cannot be reserved" }
            if let fault = principalFault("reserve", "reserved resource", reservation.principal)
                ?? roleFault(entry, reservation)
            {
                return fault
            }
        }
        return nil
    }

    private func principalFault(_ action: String, _ what: String, _ given: String?) -> String? {
        guard let principal, given != principal else { return nil }
        let found = given.map { "with principal '\($0)' set" } ?? "with no principal set"
        return "A \(action) operation was attempted by principal '\(principal)', but there is a \(what) in the request "
            + found
    }

    /// A framework reserves for the role it was offered the resources in, or for one above or below it that it holds as
    /// well.
    private func roleFault(_ entry: ResourceEntry, _ reservation: Reservation) -> String? {
        if reservation.role.parent != nil, !agent.can(.hierarchicalRole) {
            return "Resource \(entry) is reserved for the hierarchical role '\(reservation.role)', and the agent does "
                + "not have the HIERARCHICAL_ROLE capability"
        }
        if entry.reservations.count > 1 {
            if !agent.can(.reservationRefinement) {
                return "Resource \(entry) has a refined reservation, and the agent does not have the "
                    + "RESERVATION_REFINEMENT capability"
            }
            if let framework, !framework.can(.reservationRefinement) {
                return "Resource \(entry) has a refined reservation, and the framework does not have the "
                    + "RESERVATION_REFINEMENT capability"
            }
        }
        guard let framework, let role else { return nil }
        guard framework.roles.contains(reservation.role) else {
            let roles = framework.roles.map(\.value).joined(separator: ", ")
            return "A reserve operation was attempted for a resource with role '\(reservation.role)', but the "
                + "framework can only reserve resources with roles '{ \(roles) }'"
        }
        let isRelated =
            reservation.role == role || reservation.role.isAncestor(of: role)
            || reservation.role.isStrictDescendant(of: role)
        return isRelated
            ? nil
            : "A reserve operation was attempted for a resource with role '\(reservation.role)', but the resource is "
                + "allocated to role '\(role)'"
    }

    private func unreserveFault(_ resources: Resources) -> String? {
        if resources.isEmpty { return "No resources specified" }
        for entry in resources.entries {
            guard entry.reservations.last?.kind == .dynamic else {
                return "Resource \(entry) is not dynamically reserved"
            }
            if entry.disk?.persistenceID != nil {
                return
                    "A dynamically reserved persistent volume \(entry) cannot be unreserved directly. Please destroy "
                    + "the persistent volume first then unreserve the resource"
            }
        }
        return nil
    }

    // MARK: Volumes

    private func createFault(_ messages: [V1Resource], _ volumes: Resources) -> String? {
        if let fault = volumeFault(messages) { return fault }
        var taken = Set(existing.volumes.entries.compactMap(VolumeKey.init))
        for (message, entry) in zip(messages, messages.compactMap { try? ResourceEntry($0) }) {
            if let key = VolumeKey(entry), !taken.insert(key).inserted {
                return "Persistence ID '\(key.id)' of role '\(key.role)' is not unique"
            }
            if message.hasShared {
                // Nothing here could share one between tasks.
                guard framework?.can(.sharedResources) != false else {
                    return "Create volume operation for '\(entry)' has been attempted by a framework without the "
                        + "SHARED_RESOURCES capability"
                }
                return "Shared persistent volumes are not supported"
            }
            if entry.reservations.count > 1, !agent.can(.reservationRefinement) {
                return "Volume \(entry) has a refined reservation, and the agent does not have the "
                    + "RESERVATION_REFINEMENT capability"
            }
            let given = message.disk.persistence.hasPrincipal ? message.disk.persistence.principal : nil
            if let fault = principalFault("create", "volume", given) { return fault }
        }
        return nil
    }

    private struct VolumeKey: Hashable {
        var role: RoleName
        var id: String

        init?(_ entry: ResourceEntry) {
            guard let role = entry.role, let id = entry.disk?.persistenceID else { return nil }
            self.role = role
            self.id = id
        }
    }

    private func volumeFault(_ messages: [V1Resource]) -> String? {
        if messages.isEmpty { return "No volumes specified" }
        for message in messages {
            if let fault = volumeFault(message) { return "Not a persistent volume: \(fault)" }
        }
        return nil
    }

    private func volumeFault(_ message: V1Resource) -> String? {
        guard message.hasDisk else { return "Resource '\(message.name)' does not have DiskInfo" }
        let disk = message.disk
        guard disk.hasPersistence else { return "'persistence' is not set in DiskInfo" }
        if let fault = IdentifierRules.fault(in: disk.persistence.id) { return fault }
        guard disk.hasVolume, disk.volume.hasContainerPath, !disk.volume.containerPath.isEmpty else {
            return "Expecting 'volume' to be set for persistent volume"
        }
        if disk.volume.mode == .ro { return "Read-only persistent volume not supported" }
        if disk.volume.hasHostPath { return "Expecting 'host_path' to be unset for persistent volume" }
        if disk.volume.containerPath.split(separator: "/").contains("..") {
            return "The 'container_path' of a persistent volume must not contain '..'"
        }
        guard let entry = try? ResourceEntry(message), !entry.reservations.isEmpty else {
            return "Persistent volumes cannot be created from unreserved resources."
        }
        return nil
    }

    private func destroyFault(_ messages: [V1Resource], _ volumes: Resources) -> String? {
        if let fault = volumeFault(messages) { return fault }
        if !existing.contains(volumes) { return "Persistent volumes not found" }
        let held = Set(used.volumes.entries.compactMap(VolumeKey.init))
        let isUsed = volumes.entries.contains { entry in VolumeKey(entry).map { held.contains($0) } == true }
        return isUsed ? "Persistent volumes in use" : nil
    }

    private func resizeFault(_ volume: V1Resource) -> String? {
        if !agent.can(.resizeVolume) { return "The agent does not have the RESIZE_VOLUME capability" }
        if let fault = volumeFault([volume]) { return fault }
        if volume.hasShared { return "Growing or shrinking a shared persistent volume is not supported" }
        guard let parsed = try? Resources([volume]), existing.contains(parsed) else {
            return "Persistent volumes not found"
        }
        return nil
    }
}
