// One resource object: its identity apart from quantity (who may use it, which volume it is), and its value.

/// A key with an optional value, as Mesos attaches them to reservations.
public struct ReservationLabel: Hashable, Comparable, Codable, Sendable {
    public var key: String
    public var value: String?

    public init(key: String, value: String?) {
        self.key = key
        self.value = value
    }

    public static func < (left: Self, right: Self) -> Bool {
        if left.key != right.key { return left.key < right.key }
        return precedes(left.value, right.value)
    }
}

/// Who a resource is set aside for.
public struct Reservation: Hashable, Comparable, Codable, Sendable {
    public enum Kind: Int, Hashable, Codable, Sendable { case `static`, dynamic }

    public var kind: Kind
    public var role: RoleName
    public var principal: String?
    /// Sorted, so that equal reservations are equal values.
    public let labels: [ReservationLabel]

    public init(kind: Kind, role: RoleName, principal: String? = nil, labels: [ReservationLabel] = []) {
        self.kind = kind
        self.role = role
        self.principal = principal
        self.labels = labels.sorted()
    }

    public static func < (left: Self, right: Self) -> Bool {
        if left.role != right.role { return left.role < right.role }
        if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
        if left.principal != right.principal { return precedes(left.principal, right.principal) }
        return left.labels.lexicographicallyPrecedes(right.labels)
    }
}

/// What makes one piece of disk different from another: a persistent volume, or a disk of its own.
///
/// Two are equal if they name the same disk. Where a task wants its volume mounted is no part of that: each task may say
/// something else.
public struct DiskIdentity: Hashable, Comparable, Codable, Sendable {
    /// The persistent volume's id, if it is one.
    public var persistenceID: String?
    /// The encoded `DiskInfo`, with everything that was said of it. Handed back, so that codecs lose nothing.
    public var encoded: [UInt8]
    /// The part of it that is compared.
    public var compared: [UInt8]
    /// Volumes and MOUNT disks are taken whole or not at all.
    public var isIndivisible: Bool

    /// - Parameter compared: `encoded` unless it is given.
    public init(persistenceID: String?, encoded: [UInt8], isIndivisible: Bool, compared: [UInt8]? = nil) {
        self.persistenceID = persistenceID
        self.encoded = encoded
        self.compared = compared ?? encoded
        self.isIndivisible = isIndivisible
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.persistenceID == right.persistenceID && left.isIndivisible == right.isIndivisible
            && left.compared == right.compared
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(persistenceID)
        hasher.combine(isIndivisible)
        hasher.combine(compared)
    }

    public static func < (left: Self, right: Self) -> Bool {
        if left.persistenceID != right.persistenceID { return precedes(left.persistenceID, right.persistenceID) }
        if left.isIndivisible != right.isIndivisible { return right.isIndivisible }
        return left.compared.lexicographicallyPrecedes(right.compared)
    }
}

/// A set of names, kept sorted.
public struct NameSet: Hashable, Comparable, Codable, Sendable {
    public let elements: [String]

    public init(_ names: some Sequence<String>) { elements = Set(names).sorted() }

    public func contains(_ other: NameSet) -> Bool { Set(other.elements).isSubset(of: elements) }
    public func union(_ other: NameSet) -> NameSet { NameSet(elements + other.elements) }
    public func subtracting(_ other: NameSet) -> NameSet { NameSet(Set(elements).subtracting(other.elements)) }

    public static func < (left: Self, right: Self) -> Bool {
        left.elements.lexicographicallyPrecedes(right.elements)
    }
}

/// How much of something.
public enum ResourceValue: Hashable, Codable, Sendable {
    case scalar(Scalar)
    case ranges(Ranges)
    case set(NameSet)

    public enum Kind: Int, Hashable, Codable, Sendable { case scalar, ranges, set }

    public var kind: Kind {
        switch self {
        case .scalar: .scalar
        case .ranges: .ranges
        case .set: .set
        }
    }

    public var isEmpty: Bool {
        switch self {
        case .scalar(let scalar): scalar.isZero
        case .ranges(let ranges): ranges.isEmpty
        case .set(let set): set.elements.isEmpty
        }
    }

    func contains(_ other: ResourceValue) -> Bool {
        switch (self, other) {
        case (.scalar(let mine), .scalar(let theirs)): mine >= theirs
        case (.ranges(let mine), .ranges(let theirs)): mine.contains(theirs)
        case (.set(let mine), .set(let theirs)): mine.contains(theirs)
        default: false
        }
    }

    func adding(_ other: ResourceValue) -> ResourceValue {
        switch (self, other) {
        case (.scalar(let mine), .scalar(let theirs)): return .scalar(mine + theirs)
        case (.ranges(let mine), .ranges(let theirs)): return .ranges(mine.union(theirs))
        case (.set(let mine), .set(let theirs)): return .set(mine.union(theirs))
        default: preconditionFailure("values of one key differ in kind: \(self), \(other)")
        }
    }

    func subtracting(_ other: ResourceValue) -> ResourceValue {
        switch (self, other) {
        case (.scalar(let mine), .scalar(let theirs)): return .scalar(mine - theirs)
        case (.ranges(let mine), .ranges(let theirs)): return .ranges(mine.subtracting(theirs))
        case (.set(let mine), .set(let theirs)): return .set(mine.subtracting(theirs))
        default: preconditionFailure("values of one key differ in kind: \(self), \(other)")
        }
    }
}

/// Everything about a resource object but its quantity. Two objects add up exactly if their keys are equal.
public struct ResourceKey: Hashable, Comparable, Codable, Sendable {
    public var name: String
    public var kind: ResourceValue.Kind
    /// Innermost first; each later one refines the one before. Empty: anybody may use it.
    public var reservations: [Reservation]
    public var disk: DiskIdentity?
    public var isRevocable: Bool
    public var isShared: Bool
    public var providerID: String?

    public init(
        name: String, kind: ResourceValue.Kind, reservations: [Reservation] = [], disk: DiskIdentity? = nil,
        isRevocable: Bool = false, isShared: Bool = false, providerID: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.reservations = reservations
        self.disk = disk
        self.isRevocable = isRevocable
        self.isShared = isShared
        self.providerID = providerID
    }

    /// The role that may use it (with its descendants); `nil` if anybody may.
    public var role: RoleName? { reservations.last?.role }

    /// Whether only the name says what it is.
    var isPlain: Bool {
        reservations.isEmpty && disk == nil && !isRevocable && !isShared && providerID == nil
    }

    /// The well-known names come first, in the order Mesos lists them; then by name.
    private var rank: Int {
        switch name {
        case "cpus": 0
        case "mem": 1
        case "disk": 2
        case "gpus": 3
        case "ports": 4
        default: 5
        }
    }

    public static func < (left: Self, right: Self) -> Bool {
        if left.name != right.name {
            let (mine, theirs) = (left.rank, right.rank)
            return mine != theirs ? mine < theirs : left.name < right.name
        }
        if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
        if left.reservations != right.reservations {
            return left.reservations.lexicographicallyPrecedes(right.reservations)
        }
        if left.disk != right.disk {
            guard let mine = left.disk else { return true }
            guard let theirs = right.disk else { return false }
            return mine < theirs
        }
        if left.isRevocable != right.isRevocable { return right.isRevocable }
        if left.isShared != right.isShared { return right.isShared }
        return precedes(left.providerID, right.providerID)
    }
}

/// One resource object.
public struct ResourceEntry: Hashable, Sendable, CustomStringConvertible {
    public var key: ResourceKey
    public var value: ResourceValue

    /// - Precondition: `key.kind` is the kind of `value`.
    public init(key: ResourceKey, value: ResourceValue) {
        precondition(key.kind == value.kind, "\(key.name): key of kind \(key.kind), value of kind \(value.kind)")
        self.key = key
        self.value = value
    }

    public init(
        name: String, value: ResourceValue, reservations: [Reservation] = [], disk: DiskIdentity? = nil,
        isRevocable: Bool = false, isShared: Bool = false, providerID: String? = nil
    ) {
        key = ResourceKey(
            name: name, kind: value.kind, reservations: reservations, disk: disk, isRevocable: isRevocable,
            isShared: isShared, providerID: providerID)
        self.value = value
    }

    public var name: String { key.name }
    public var reservations: [Reservation] { key.reservations }
    public var disk: DiskIdentity? { key.disk }
    public var isRevocable: Bool { key.isRevocable }
    public var isShared: Bool { key.isShared }
    public var providerID: String? { key.providerID }
    public var role: RoleName? { key.role }

    /// Plain and statically reserved resources print in the form `Resources.parse` reads: `mem(eng):512`.
    public var description: String {
        var text = key.name
        if !key.reservations.isEmpty {
            let stack = key.reservations.map { reservation in
                let kind = reservation.kind == .dynamic ? ",dynamic" : ""
                return reservation.role.value + kind + (reservation.principal.map { ",\($0)" } ?? "")
            }
            text += "(" + stack.joined(separator: ">") + ")"
        }
        if let disk = key.disk { text += "[" + (disk.persistenceID ?? "disk") + "]" }
        if key.isRevocable { text += "{revocable}" }
        if key.isShared { text += "{shared}" }
        if let providerID = key.providerID { text += "{provider \(providerID)}" }
        switch value {
        case .scalar(let scalar): return text + ":\(scalar)"
        case .ranges(let ranges): return text + ":\(ranges)"
        case .set(let set): return text + ":{" + set.elements.joined(separator: ", ") + "}"
        }
    }
}

/// Absent comes first.
private func precedes(_ left: String?, _ right: String?) -> Bool {
    guard let right else { return false }
    guard let left else { return true }
    return left < right
}
