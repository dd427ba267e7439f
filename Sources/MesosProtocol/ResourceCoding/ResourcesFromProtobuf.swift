// From resource messages to exact quantities, checking everything on the way.

import Resources
import SwiftProtobuf

extension Resources {
    /// Reads and adds up resource messages in any of the three reservation formats. `allocation_info` is not part of a
    /// `Resources`; who cares about it reads it from the messages.
    ///
    /// - Throws: What is wrong with the first bad message. An exact zero is no error and counts for nothing.
    public init(_ messages: [V1Resource]) throws(ResourceConversionError) {
        var entries: [ResourceEntry] = []
        entries.reserveCapacity(messages.count)
        // Sums are bounded here so that arithmetic never overflows later.
        var sums: [String: Scalar] = [:]
        for message in messages {
            let entry = try ResourceEntry(message)
            if case .scalar(let value) = entry.value {
                let sum = sums[entry.name, default: .zero] + value
                guard sum.doubleValue <= Scalar.valueMax else { throw .tooLarge(name: entry.name) }
                sums[entry.name] = sum
            }
            entries.append(entry)
        }
        self.init(entries: entries)
    }
}

extension ResourceEntry {
    /// Reads one resource message.
    public init(_ message: V1Resource) throws(ResourceConversionError) {
        guard !message.name.isEmpty else { throw .emptyName }
        guard !message.hasDisk || message.name == "disk" else { throw .diskInfoOnOther(name: message.name) }
        self.init(
            name: message.name,
            value: try ResourceValue(message),
            reservations: try Reservation.stack(of: message),
            disk: message.hasDisk ? DiskIdentity(message.disk) : nil,
            isRevocable: message.hasRevocable,
            isShared: message.hasShared,
            providerID: message.hasProviderID ? message.providerID.value : nil)
    }
}

// MARK: Values

extension ResourceValue {
    fileprivate init(_ message: V1Resource) throws(ResourceConversionError) {
        let name = message.name
        switch message.type {
        case .scalar:
            guard message.hasScalar, !message.hasRanges, !message.hasSet else {
                throw .invalidValue(name: name, kind: .scalar)
            }
            self = .scalar(try Self.scalar(message.scalar.value, name: name))
        case .ranges:
            guard message.hasRanges, !message.hasScalar, !message.hasSet else {
                throw .invalidValue(name: name, kind: .ranges)
            }
            self = .ranges(try Self.ranges(message.ranges, name: name))
        case .set:
            guard message.hasSet, !message.hasScalar, !message.hasRanges else {
                throw .invalidValue(name: name, kind: .set)
            }
            let names = NameSet(message.set.item)
            guard names.elements.count == message.set.item.count else { throw .duplicatedElements(name: name) }
            self = .set(names)
        case .text:
            throw .unsupportedType(name: name)
        }
    }

    private static func scalar(_ value: Double, name: String) throws(ResourceConversionError) -> Scalar {
        guard value.isFinite else { throw .notFinite(name: name) }
        if value == 0 { return .zero }
        guard value > 0 else { throw .notPositive(name: name) }
        guard let scalar = Scalar(value) else { throw .tooLarge(name: name) }
        guard !scalar.isZero else { throw .notPositive(name: name) }
        guard name != "gpus" || scalar.milli % 1_000 == 0 else { throw .fractionOfGPU }
        return scalar
    }

    private static func ranges(_ message: V1Value.Ranges, name: String) throws(ResourceConversionError) -> Ranges {
        var ranges: [ClosedRange<UInt64>] = []
        ranges.reserveCapacity(message.range.count)
        for range in message.range {
            guard range.begin <= range.end else { throw .invertedRange(name: name) }
            ranges.append(range.begin...range.end)
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        for (range, next) in zip(ranges, ranges.dropFirst()) where range.upperBound >= next.lowerBound {
            throw .overlappingRanges(name: name)
        }
        return Ranges(ranges)
    }
}

extension DiskIdentity {
    fileprivate init(_ message: V1Resource.DiskInfo) {
        let isMount = message.hasSource && message.source.type == .mount
        // How a volume is mounted and who made it may differ from one mention of it to the next.
        var compared = message
        compared.clearVolume()
        if message.hasPersistence { compared.persistence.clearPrincipal() }
        // Encoding a message that was decoded cannot fail; if it did, the disk would match no other disk.
        let encoded: [UInt8] = (try? message.serializedBytes(partial: true)) ?? []
        self.init(
            persistenceID: message.hasPersistence ? message.persistence.id : nil,
            encoded: encoded,
            isIndivisible: message.hasPersistence || isMount,
            compared: (try? compared.serializedBytes(partial: true)) ?? encoded)
    }
}

// MARK: Reservations

extension Reservation {
    /// The reservations of a message, outermost role first.
    fileprivate static func stack(of message: V1Resource) throws(ResourceConversionError) -> [Reservation] {
        guard !message.reservations.isEmpty else { return try classicStack(of: message) }
        var stack: [Reservation] = []
        stack.reserveCapacity(message.reservations.count)
        for info in message.reservations {
            let reservation = try Reservation(info, name: message.name)
            if let parent = stack.last {
                guard reservation.role.isStrictDescendant(of: parent.role) else {
                    throw .refinementNotDeeper(
                        name: message.name, role: reservation.role.value, parent: parent.role.value)
                }
                guard reservation.kind == .dynamic else {
                    throw .staticRefinement(name: message.name, role: reservation.role.value)
                }
            }
            stack.append(reservation)
        }
        try check(message, against: stack)
        return stack
    }

    /// The form from before refinement: `role` and `reservation`.
    private static func classicStack(of message: V1Resource) throws(ResourceConversionError) -> [Reservation] {
        if message.hasReservation {
            if message.reservation.hasType { throw .fieldInOldReservation(field: "type") }
            if message.reservation.hasRole { throw .fieldInOldReservation(field: "role") }
        }
        guard message.role != RoleName.any.value else {
            if message.hasReservation { throw .anyRoleReserved(name: message.name) }
            return []
        }
        let role = try roleName(message.role, name: message.name)
        guard message.hasReservation else { return [Reservation(kind: .static, role: role)] }
        return [
            Reservation(
                kind: .dynamic, role: role,
                principal: message.reservation.hasPrincipal ? message.reservation.principal : nil,
                labels: message.reservation.labels.labels.map(ReservationLabel.init))
        ]
    }

    /// Whether the older fields, if they are set beside the stack, say the same as its last element.
    private static func check(
        _ message: V1Resource, against stack: [Reservation]
    ) throws(ResourceConversionError) {
        guard let last = stack.last else { return }
        if message.hasRole, message.role != last.role.value {
            throw .roleMismatch(old: message.role, new: last.role.value)
        }
        guard message.hasReservation else { return }
        if message.reservation.hasType { throw .fieldInOldReservation(field: "type") }
        if message.reservation.hasRole { throw .fieldInOldReservation(field: "role") }
        let old = Reservation(
            kind: .dynamic, role: last.role,
            principal: message.reservation.hasPrincipal ? message.reservation.principal : nil,
            labels: message.reservation.labels.labels.map(ReservationLabel.init))
        guard stack.count == 1, old == last else { throw .reservationMismatch(name: message.name) }
    }

    private init(_ info: V1Resource.ReservationInfo, name: String) throws(ResourceConversionError) {
        let kind: Kind
        switch info.type {
        case .static: kind = .static
        case .dynamic: kind = .dynamic
        case .unknown: throw .incompleteReservation(name: name)
        }
        guard info.hasRole else { throw .incompleteReservation(name: name) }
        guard info.role != RoleName.any.value else { throw .anyRoleReserved(name: name) }
        self.init(
            kind: kind, role: try Self.roleName(info.role, name: name),
            principal: info.hasPrincipal ? info.principal : nil,
            labels: info.labels.labels.map(ReservationLabel.init))
    }

    private static func roleName(_ text: String, name: String) throws(ResourceConversionError) -> RoleName {
        do throws(RoleNameError) {
            return try RoleName(text)
        } catch {
            throw .invalidRole(name: name, error)
        }
    }
}

extension ReservationLabel {
    fileprivate init(_ message: V1Label) {
        self.init(key: message.key, value: message.hasValue ? message.value : nil)
    }
}
