// What an operation takes from a bag of resources, and what it puts in its place: one truth for master and agent.

import Resources
import SwiftProtobuf

/// The effect of RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME or SHRINK_VOLUME: some resources become others.
///
/// It says nothing about who may ask for it; it only reads the operation.
public struct ResourceConversion: Hashable, Sendable {
    public var consumed: Resources
    public var converted: Resources

    public init(consumed: Resources, converted: Resources) {
        self.consumed = consumed
        self.converted = converted
    }

    /// - Throws: What is wrong with the operation's resources.
    public init(_ operation: V1Offer.Operation) throws(ResourceConversionFault) {
        switch operation.type {
        case .reserve:
            let reserved = try Self.parse(operation.reserve.resources)
            let source =
                operation.reserve.source.isEmpty
                ? reserved.droppingLastReservation : try Self.parse(operation.reserve.source)
            guard source.flattened == reserved.flattened else { throw .quantitiesDiffer }
            self.init(consumed: source, converted: reserved)
        case .unreserve:
            let reserved = try Self.parse(operation.unreserve.resources)
            self.init(consumed: reserved, converted: reserved.droppingLastReservation)
        case .create:
            let volumes = try Self.parse(operation.create.volumes)
            self.init(consumed: volumes.withoutVolumes, converted: volumes)
        case .destroy:
            let volumes = try Self.parse(operation.destroy.volumes)
            self.init(consumed: volumes, converted: volumes.withoutVolumes)
        case .growVolume:
            self = try Self.growing(operation.growVolume)
        case .shrinkVolume:
            self = try Self.shrinking(operation.shrinkVolume)
        case .unknown, .launch, .launchGroup, .createDisk, .destroyDisk:
            throw .notAConversion
        }
    }

    private static func growing(
        _ grow: V1Offer.Operation.GrowVolume
    ) throws(ResourceConversionFault) -> ResourceConversion {
        let volume = try parse([grow.volume])
        let addition = try parse([grow.addition])
        guard let entry = volume.entries.first, case .scalar(let size) = entry.value,
            case .scalar(let more)? = addition.entries.first?.value
        else { throw .quantitiesDiffer }
        guard addition == Resources(entries: [ResourceEntry(key: entry.key.withoutVolume, value: .scalar(more))]) else {
            throw .notTheSameDisk
        }
        return ResourceConversion(
            consumed: volume + addition,
            converted: Resources(entries: [ResourceEntry(key: entry.key, value: .scalar(size + more))]))
    }

    private static func shrinking(
        _ shrink: V1Offer.Operation.ShrinkVolume
    ) throws(ResourceConversionFault) -> ResourceConversion {
        let volume = try parse([shrink.volume])
        guard let entry = volume.entries.first, case .scalar(let size) = entry.value,
            let less = Scalar(shrink.subtract.value), less > .zero, less < size
        else { throw .quantitiesDiffer }
        let rest = Resources(entries: [
            ResourceEntry(key: entry.key, value: .scalar(size - less)),
            ResourceEntry(key: entry.key.withoutVolume, value: .scalar(less)),
        ])
        return ResourceConversion(consumed: volume, converted: rest)
    }

    private static func parse(_ messages: [V1Resource]) throws(ResourceConversionFault) -> Resources {
        do throws(ResourceConversionError) {
            return try Resources(messages)
        } catch {
            throw .resource(error)
        }
    }
}

/// Why an operation cannot be read as a conversion.
public enum ResourceConversionFault: Error, Hashable, Sendable, CustomStringConvertible {
    case resource(ResourceConversionError)
    /// What goes in and what comes out are not the same amounts.
    case quantitiesDiffer
    /// Space added to a volume must come from the disk it lies on, with its reservation.
    case notTheSameDisk
    /// It is not an operation on resources, or one that only a resource provider could carry out.
    case notAConversion

    public var description: String {
        switch self {
        case .resource(let error): "\(error)"
        case .quantitiesDiffer: "the quantities before and after the operation do not match"
        case .notTheSameDisk: "the addition is not of the same disk and reservation as the volume"
        case .notAConversion: "the operation does not convert resources"
        }
    }
}

extension Resources {
    /// The same without the innermost reservation of each.
    public var droppingLastReservation: Resources {
        Resources(
            entries: entries.map { entry in
                var key = entry.key
                if !key.reservations.isEmpty { key.reservations.removeLast() }
                return ResourceEntry(key: key, value: entry.value)
            })
    }

    /// The same with volumes turned back into the disk they lie on.
    public var withoutVolumes: Resources {
        Resources(entries: entries.map { ResourceEntry(key: $0.key.withoutVolume, value: $0.value) })
    }

    /// The same with everything undone that an operation can have done: what an agent's own flags said.
    public var withoutOperations: Resources {
        Resources(
            entries: entries.map { entry in
                var key = entry.key.withoutVolume
                key.reservations.removeAll { $0.kind == .dynamic }
                return ResourceEntry(key: key, value: entry.value)
            })
    }

    /// What an agent must remember over a restart: dynamically reserved resources and persistent volumes.
    public var madeByOperations: Resources {
        filtered { $0.disk?.persistenceID != nil || $0.reservations.contains { $0.kind == .dynamic } }
    }

    /// Persistent volumes only.
    public var volumes: Resources { filtered { $0.disk?.persistenceID != nil } }
}

extension ResourceKey {
    fileprivate var withoutVolume: ResourceKey {
        guard let disk, disk.persistenceID != nil else { return self }
        var key = self
        key.isShared = false
        key.disk = disk.withoutVolume
        return key
    }
}

extension DiskIdentity {
    /// The disk that a volume lies on; nil for the agent's own.
    fileprivate var withoutVolume: DiskIdentity? {
        guard var info = try? V1Resource.DiskInfo(serializedBytes: encoded, partial: true), info.hasSource else {
            return nil
        }
        info.clearPersistence()
        info.clearVolume()
        let bytes: [UInt8] = (try? info.serializedBytes(partial: true)) ?? []
        return DiskIdentity(
            persistenceID: nil, encoded: bytes, isIndivisible: info.source.type == .mount)
    }
}
