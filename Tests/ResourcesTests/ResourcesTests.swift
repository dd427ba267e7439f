// Bags of resources: what adds up, what stays apart, and that nothing is lost.

import Resources
import SimKit
import Testing

@Suite struct `Bags of resources` {
    let eng: RoleName
    let ci: RoleName
    let ops: RoleName

    init() throws {
        eng = try RoleName("eng")
        ci = try RoleName("eng/ci")
        ops = try RoleName("ops")
    }

    @Test func `ten thousand tiny tasks leave the totals exactly as they were`() throws {
        let total = try Resources.parse("cpus:16;mem:20000;disk:7;ports:[31000-32000]")
        let task = try Resources.parse("cpus:0.001;mem:1")
        var free = total
        for _ in 0..<10_000 { free -= task }
        #expect(free.description == "cpus:6;mem:10000;disk:7;ports:[31000-32000]")
        for _ in 0..<10_000 { free += task }
        #expect(free == total)
        #expect(free["cpus"].doubleValue == 16.0)
    }

    @Test func `reserved and unreserved resources do not add up`() throws {
        let bag = try Resources.parse("cpus:1;cpus(eng):2")
        #expect(bag.entries.count == 2)
        #expect(bag["cpus"] == Scalar(units: 3))
        #expect(try !bag.contains(.parse("cpus:2")))
        #expect(try bag.contains(.parse("cpus(eng):2")))
    }

    @Test func `a role may use its own and its ancestors' reservations`() throws {
        let bag = try Resources.parse("cpus:1;cpus(eng):2;cpus(eng/ci):4;cpus(ops):8")
        #expect(bag.allocatable(to: ci)["cpus"] == Scalar(units: 7))
        #expect(bag.allocatable(to: eng)["cpus"] == Scalar(units: 3))
        #expect(bag.allocatable(to: .any)["cpus"] == Scalar(units: 1))
        #expect(bag.reserved(for: ci)["cpus"] == Scalar(units: 4))
        #expect(bag.unreserved.description == "cpus:1")
        #expect(bag.flattened.description == "cpus:15")
        #expect(bag.reservedRoles == [eng, ci, ops])
    }

    @Test func `each part of a key keeps resources apart`() {
        let stack = [Reservation(kind: .static, role: eng), Reservation(kind: .dynamic, role: ci, principal: "p")]
        let volume = DiskIdentity(persistenceID: "v1", encoded: [1, 2], isIndivisible: true)
        let one = ResourceValue.scalar(Scalar(units: 1))
        let labels = [ReservationLabel(key: "b", value: nil), ReservationLabel(key: "a", value: "x")]
        let entries = [
            ResourceEntry(name: "disk", value: one),
            ResourceEntry(name: "disk", value: one, reservations: [stack[0]]),
            ResourceEntry(name: "disk", value: one, reservations: [Reservation(kind: .dynamic, role: eng)]),
            ResourceEntry(
                name: "disk", value: one, reservations: [Reservation(kind: .dynamic, role: eng, labels: labels)]),
            ResourceEntry(name: "disk", value: one, reservations: stack),
            ResourceEntry(name: "disk", value: one, reservations: stack, disk: volume),
            ResourceEntry(name: "disk", value: one, isRevocable: true),
            ResourceEntry(name: "disk", value: one, isShared: true),
            ResourceEntry(name: "disk", value: one, providerID: "p1"),
        ]
        var random = SeededRandom(seed: 1)
        let bag = Resources(entries: entries.shuffled(using: &random))
        #expect(bag.entries.count == entries.count)
        #expect(Set(bag.entries) == Set(entries))
        #expect(Resources(entries: bag.entries) == bag)
        #expect(Resources(entries: bag.entries.reversed()).entries == bag.entries)
        #expect(bag["disk"] == Scalar(units: 9))
        #expect(bag.revocable.entries.count == 1)
        #expect(bag.nonRevocable["disk"] == Scalar(units: 8))
        for entry in entries { #expect(bag.contains(Resources(entries: [entry]))) }
    }

    @Test func `a refined reservation belongs to its last role`() {
        let stack = [Reservation(kind: .static, role: eng), Reservation(kind: .dynamic, role: ci, principal: "p")]
        let bag = Resources(entries: [
            ResourceEntry(name: "cpus", value: .scalar(Scalar(units: 2)), reservations: stack)
        ])
        #expect(bag.allocatable(to: eng).isEmpty)
        #expect(bag.allocatable(to: ci) == bag)
        #expect(bag.description == "cpus(eng>eng/ci,dynamic,p):2")
    }

    @Test func `a volume is contained only as a whole`() {
        func volume(_ size: Int) -> Resources {
            Resources(entries: [
                ResourceEntry(
                    name: "disk", value: .scalar(Scalar(units: size)),
                    reservations: [Reservation(kind: .dynamic, role: eng)],
                    disk: DiskIdentity(persistenceID: "v", encoded: [], isIndivisible: true))
            ])
        }
        #expect(volume(10).contains(volume(10)))
        #expect(!volume(10).contains(volume(4)))
        #expect((volume(10) - volume(10)).isEmpty)
    }

    @Test func `label order does not matter to a reservation`() {
        let a = ReservationLabel(key: "a", value: "1")
        let b = ReservationLabel(key: "b", value: "2")
        #expect(
            Reservation(kind: .dynamic, role: eng, labels: [a, b])
                == Reservation(kind: .dynamic, role: eng, labels: [b, a]))
    }

    @Test func `a task takes reserved pieces first`() throws {
        let offer = try Resources.parse("cpus:4;cpus(eng):1;mem:100;ports:[10-12];ports(eng):[20-20]")
        let taken = try offer.taking(.parse("cpus:2;mem:50"))
        #expect(taken?.description == "cpus:1;cpus(eng):1;mem:50")
        #expect(try offer.taking(.parse("cpus:6")) == nil)
        #expect(try offer.taking(.parse("gpus:1")) == nil)
        #expect(offer.takingPorts(2)?.description == "ports:[10-10];ports(eng):[20-20]")
        #expect(offer.takingPorts(5) == nil)
        #expect(try offer.taking(.parse("ports:[11-11]"))?.description == "ports:[11-11]")
    }

    @Test func `taking away more than there is leaves nothing, not less`() throws {
        let total = try Resources.parse("cpus:2;mem:10;ports:[1-5];cpus(eng):1")
        let used = try Resources.parse("cpus:3;mem:4;ports:[4-9];disk:5")
        #expect(total.without(used).description == "cpus(eng):1;mem:6;ports:[1-3]")
    }

    @Test func `scalars are totalled by name`() throws {
        let bag = try Resources.parse("mem:1;mem(eng):2;cpus:1;z:4;ports:[1-2]")
        #expect(bag.scalars.map(\.name) == ["cpus", "mem", "z"])
        #expect(bag.scalars.map(\.value) == [Scalar(units: 1), Scalar(units: 3), Scalar(units: 4)])
    }

    @Test(arguments: 0..<60)
    func `sums and differences agree with a dictionary of thousandths and sets`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<15 {
            let (left, leftModel) = draw(&random)
            let (right, rightModel) = draw(&random)
            let sumModel = leftModel.adding(rightModel)
            #expect(NaiveBag(left) == leftModel)
            #expect(NaiveBag(left + right) == sumModel)
            #expect(left + right == right + left)
            #expect(left.contains(right) == leftModel.contains(rightModel))
            #expect((left + right).contains(left))
            #expect(NaiveBag(left.without(right)) == leftModel.without(rightModel))
            if leftModel.isDisjoint(with: rightModel) { #expect((left + right) - right == left) }
            if left.contains(right) {
                #expect(NaiveBag(left - right) == leftModel.without(rightModel))
                if leftModel.contains(rightModel) { #expect((left - right) + right == left) }
            }
            #expect((left - left).isEmpty)
            #expect(Resources(entries: left.entries.shuffled(using: &random)) == left)
        }
    }

    private func draw(_ random: inout SeededRandom) -> (Resources, NaiveBag) {
        var entries: [ResourceEntry] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            var reservations: [Reservation] = []
            if random.chance(40) {
                reservations.append(Reservation(kind: .static, role: random.chance(50) ? eng : ops))
            }
            let value: ResourceValue
            let name: String
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                name = "ports"
                let low = UInt64.random(in: 1...8, using: &random)
                value = .ranges(Ranges([low...(low + 2)]))
            case 1:
                name = "zones"
                value = .set(NameSet(["a", "b", "c"].filter { _ in random.chance(50) }))
            default:
                name = ["cpus", "mem", "disk", "gpus", "licenses"].randomElement(using: &random) ?? "cpus"
                value = .scalar(Scalar(milli: .random(in: 0...4, using: &random)))
            }
            entries.append(
                ResourceEntry(name: name, value: value, reservations: reservations, isRevocable: random.chance(15)))
        }
        return (Resources(entries: entries), NaiveBag(entries))
    }
}

/// The obviously right bag: thousandths by key, and single items by key.
private struct NaiveBag: Equatable {
    var milli: [ResourceKey: Int64] = [:]
    var items: [ResourceKey: Set<String>] = [:]

    init(_ resources: Resources) { self.init(resources.entries) }

    init(_ entries: [ResourceEntry]) {
        for entry in entries where !entry.value.isEmpty {
            switch entry.value {
            case .scalar(let scalar): milli[entry.key, default: 0] += scalar.milli
            case .ranges(let ranges):
                for range in ranges.ranges { items[entry.key, default: []].formUnion(range.map(String.init)) }
            case .set(let set): items[entry.key, default: []].formUnion(set.elements)
            }
        }
    }

    func adding(_ other: NaiveBag) -> NaiveBag {
        var sum = self
        for (key, amount) in other.milli { sum.milli[key, default: 0] += amount }
        for (key, set) in other.items { sum.items[key, default: []].formUnion(set) }
        return sum
    }

    func without(_ other: NaiveBag) -> NaiveBag {
        var rest = self
        for (key, amount) in other.milli {
            let left = max(0, (milli[key] ?? 0) - amount)
            rest.milli[key] = left == 0 ? nil : left
        }
        for (key, set) in other.items {
            let left = (items[key] ?? []).subtracting(set)
            rest.items[key] = left.isEmpty ? nil : left
        }
        return rest
    }

    func contains(_ other: NaiveBag) -> Bool {
        other.milli.allSatisfy { (milli[$0.key] ?? 0) >= $0.value }
            && other.items.allSatisfy { (items[$0.key] ?? []).isSuperset(of: $0.value) }
    }

    func isDisjoint(with other: NaiveBag) -> Bool {
        items.allSatisfy { (other.items[$0.key] ?? []).isDisjoint(with: $0.value) }
    }
}
