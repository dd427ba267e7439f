// What each operation takes and gives, and what makes one volume the same as another.

import MesosProtocol
import Resources
import Testing

struct ResourceConversionTests {
    private static func disk(_ megabytes: Double, volume: String? = nil, at path: String = "data") -> V1Resource {
        var resource = V1Resource()
        resource.name = "disk"
        resource.type = .scalar
        resource.scalar.value = megabytes
        var reservation = V1Resource.ReservationInfo()
        reservation.type = .dynamic
        reservation.role = "dev"
        resource.reservations = [reservation]
        if let volume {
            resource.disk.persistence.id = volume
            resource.disk.volume.containerPath = path
            resource.disk.volume.mode = .rw
        }
        return resource
    }

    private static func conversion(
        _ type: V1Offer.Operation.TypeEnum, _ fill: (inout V1Offer.Operation) -> Void
    ) throws -> ResourceConversion {
        var operation = V1Offer.Operation()
        operation.type = type
        fill(&operation)
        return try ResourceConversion(operation)
    }

    @Test func `a volume is the same wherever it is mounted, and another one under another id`() throws {
        let volume = try Resources([Self.disk(64, volume: "v1")])
        #expect(try volume == Resources([Self.disk(64, volume: "v1", at: "elsewhere")]))
        #expect(try volume.contains(Resources([Self.disk(64, volume: "v1", at: "elsewhere")])))
        #expect(try volume != Resources([Self.disk(64, volume: "v2")]))
        #expect(try !volume.contains(Resources([Self.disk(32, volume: "v1")])))
    }

    @Test func `CREATE and DESTROY are each other's opposite, and so are RESERVE and UNRESERVE`() throws {
        let volume = Self.disk(64, volume: "v1")
        let create = try Self.conversion(.create) { $0.create.volumes = [volume] }
        let destroy = try Self.conversion(.destroy) { $0.destroy.volumes = [volume] }
        #expect(create.consumed == destroy.converted)
        #expect(create.converted == destroy.consumed)
        let reserve = try Self.conversion(.reserve) { $0.reserve.resources = [Self.disk(64)] }
        let unreserve = try Self.conversion(.unreserve) { $0.unreserve.resources = [Self.disk(64)] }
        #expect(reserve.consumed == unreserve.converted)
        #expect(reserve.consumed.isOrdinary)
    }

    @Test func `a volume grows by disk of its own reservation only, and shrinks by less than it has`() throws {
        let grow = try Self.conversion(.growVolume) {
            $0.growVolume.volume = Self.disk(64, volume: "v1")
            $0.growVolume.addition = Self.disk(36)
        }
        #expect(grow.converted["disk"] == grow.consumed["disk"])
        #expect(grow.converted.entries.count == 1)
        let shrink = try Self.conversion(.shrinkVolume) {
            $0.shrinkVolume.volume = Self.disk(100, volume: "v1")
            $0.shrinkVolume.subtract.value = 36
        }
        #expect(shrink.converted == grow.consumed)
        #expect(throws: ResourceConversionFault.notTheSameDisk) {
            try Self.conversion(.growVolume) {
                $0.growVolume.volume = Self.disk(64, volume: "v1")
                $0.growVolume.addition = Self.disk(36)
                $0.growVolume.addition.reservations = []
            }
        }
        #expect(throws: ResourceConversionFault.quantitiesDiffer) {
            try Self.conversion(.shrinkVolume) {
                $0.shrinkVolume.volume = Self.disk(64, volume: "v1")
                $0.shrinkVolume.subtract.value = 64
            }
        }
    }

    @Test func `what an operator moves to another reservation stays as much as it was`() throws {
        let moved = try Self.conversion(.reserve) {
            $0.reserve.source = [Self.disk(64)]
            $0.reserve.resources = [Self.disk(64)]
            $0.reserve.resources[0].reservations[0].role = "ops"
        }
        #expect(moved.consumed.reservedRoles.map(\.value) == ["dev"])
        #expect(moved.converted.reservedRoles.map(\.value) == ["ops"])
        #expect(throws: ResourceConversionFault.quantitiesDiffer) {
            try Self.conversion(.reserve) {
                $0.reserve.source = [Self.disk(64)]
                $0.reserve.resources = [Self.disk(65)]
            }
        }
    }

    @Test func `everything that operations made can be told apart and undone`() throws {
        let all = try Resources([Self.disk(64, volume: "v1"), Self.disk(36)])
        #expect(all.madeByOperations == all)
        #expect(all.withoutOperations.isOrdinary)
        #expect(all.withoutOperations["disk"] == all["disk"])
        #expect(all.volumes.entries.count == 1)
    }
}
