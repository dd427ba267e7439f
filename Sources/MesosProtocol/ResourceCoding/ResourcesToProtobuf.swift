// From exact quantities to resource messages, in the reservation format that the reader understands.

import Resources
import SwiftProtobuf

/// How reservations are written.
public enum ReservationFormat: Hashable, Sendable {
    /// A `reservations` stack and no `role`: for frameworks with RESERVATION_REFINEMENT, and between master and agent.
    case postRefinement
    /// `role` and `reservation`: for frameworks without that capability. Refined reservations cannot be said in it and
    /// are left out.
    case preRefinement
    /// Both, for operator APIs.
    case endpoint
}

extension Resources {
    /// One message an entry, in the fixed order of `entries`.
    ///
    /// - Parameter allocationRole: The role they are offered to or used by; `nil` leaves `allocation_info` unset.
    public func protobuf(
        allocationRole: RoleName? = nil, format: ReservationFormat = .postRefinement
    ) -> [V1Resource] {
        entries.compactMap { entry in
            if format == .preRefinement, entry.reservations.count > 1 { return nil }
            var message = V1Resource(entry, format: format)
            if let allocationRole { message.allocationInfo.role = allocationRole.value }
            return message
        }
    }
}

extension V1Resource {
    fileprivate init(_ entry: ResourceEntry, format: ReservationFormat) {
        self.init()
        name = entry.name
        switch entry.value {
        case .scalar(let value):
            type = .scalar
            scalar.value = value.doubleValue
        case .ranges(let value):
            type = .ranges
            ranges = V1Value.Ranges(value)
        case .set(let value):
            type = .set
            set.item = value.elements
        }
        if let providerID = entry.providerID { self.providerID.value = providerID }
        if let identity = entry.disk, let info = try? DiskInfo(serializedBytes: identity.encoded, partial: true) {
            disk = info
        }
        if entry.isRevocable { revocable = RevocableInfo() }
        if entry.isShared { shared = SharedInfo() }
        write(entry.reservations, format: format)
    }

    private mutating func write(_ stack: [Reservation], format: ReservationFormat) {
        if format != .preRefinement { reservations = stack.map { ReservationInfo($0, inStack: true) } }
        if format == .postRefinement { return }
        switch (stack.count, stack.last) {
        case (1, let only?):
            role = only.role.value
            if only.kind == .dynamic { reservation = ReservationInfo(only, inStack: false) }
        case (0, _):
            role = RoleName.any.value
        default:
            break
        }
    }
}

extension V1Resource.ReservationInfo {
    /// - Parameter inStack: The older `reservation` field must not name type and role again.
    fileprivate init(_ reservation: Reservation, inStack: Bool) {
        self.init()
        if inStack {
            type = reservation.kind == .static ? .static : .dynamic
            role = reservation.role.value
        }
        if let principal = reservation.principal { self.principal = principal }
        if !reservation.labels.isEmpty {
            labels.labels = reservation.labels.map { label in
                var message = V1Label()
                message.key = label.key
                if let value = label.value { message.value = value }
                return message
            }
        }
    }
}

extension V1Value.Ranges {
    public init(_ ranges: Ranges) {
        self.init()
        range = ranges.ranges.map { range in
            var message = V1Value.Range()
            message.begin = range.lowerBound
            message.end = range.upperBound
            return message
        }
    }
}
