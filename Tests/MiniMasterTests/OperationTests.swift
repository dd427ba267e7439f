// Reservations and volumes in an ACCEPT: what is allowed, what the agent is told, what the framework sees next.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct OperationTests {
    private static let agent = Samples.agent(resources: "cpus:4;mem:4096;disk:1000;ports:[31000-31099]")

    private static func pair(
        _ talk: inout MasterConversation, roles: [String] = ["dev"], principal: String? = nil,
        capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [.multiRole, .partitionAware, .reservationRefinement]
    ) -> MasterConversation.Pair {
        var info = Samples.framework(roles: roles, capabilities: capabilities)
        if let principal { info.principal = principal }
        return talk.pair(info, agent)
    }

    @Test func `RESERVE, CREATE and LAUNCH in one ACCEPT go to the agent in this order, and the task uses the volume`()
    {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        var task = Samples.task("t1", on: pair.agent, resources: "")
        task.resources = Samples.reserved("cpus:1;mem:128", for: "dev") + [Samples.volume("v1", at: "elsewhere")]
        talk.accept(
            [
                Samples.operation(.reserve, Samples.reserved("cpus:1;mem:128;disk:64", for: "dev")),
                Samples.operation(.create, [Samples.volume("v1")]), Samples.launch([task]),
            ], pair, refuseSeconds: 0)
        #expect(talk.statuses(pair.stream).map(\.message) == [])
        let sent = talk.commands(pair.link).map(\.type).filter { ![.registered, .ping].contains($0) }
        #expect(sent == [.applyOperation, .applyOperation, .runTask])
        #expect(talk.core.cluster?.agents[pair.agent]?.total.volumeIDs == ["v1"])
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `the next offer shows what was reserved, without waiting for the filter of the call`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        talk.drain()
        let offer = talk.core.cluster?.offers.all.first?.id ?? "none"
        talk.call(pair.stream, pair.framework, .accept) { call in
            call.accept.offerIds = [V1OfferID(offer)]
            call.accept.operations = [Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"))]
        }
        let reserved = talk.offers(pair.stream).flatMap(\.resources).filter { !$0.reservations.isEmpty }
        #expect(reserved.map(\.name) == ["cpus"])
        #expect(reserved.map { $0.reservations.map(\.role) } == [["dev"]])
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a framework without refinement sees a reservation in the older form`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk, capabilities: [.multiRole])
        var resource = Samples.bag("cpus:1").protobuf()[0]
        resource.role = "dev"
        resource.reservation = .init()
        talk.accept([Samples.operation(.reserve, [resource])], pair, refuseSeconds: 0)
        let reserved = talk.offers(pair.stream).last?.resources.first { $0.role == "dev" }
        #expect(reserved?.hasReservation == true)
        #expect(reserved?.reservations.isEmpty == true)
    }

    @Test func `UNRESERVE and DESTROY turn everything back`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        talk.accept(
            [
                Samples.operation(.reserve, Samples.reserved("disk:64", for: "dev")),
                Samples.operation(.create, [Samples.volume("v1")]),
            ], pair, refuseSeconds: 0)
        talk.accept(
            [
                Samples.operation(.destroy, [Samples.volume("v1")]),
                Samples.operation(.unreserve, Samples.reserved("disk:64", for: "dev")),
            ], pair, refuseSeconds: 0)
        #expect(
            talk.core.cluster?.agents[pair.agent]?.total == Samples.bag("cpus:4;mem:4096;disk:1000;ports:[31000-31099]")
        )
        #expect(talk.isBalanced(pair.agent))
    }

    // MARK: Rules

    /// An operation that breaks a rule, and what is said about it.
    struct Broken: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var operation: V1Offer.Operation
        var message: String

        init(_ description: String, _ operation: V1Offer.Operation, _ message: String) {
            testDescription = description
            self.operation = operation
            self.message = message
        }
    }

    private static let readOnly: V1Resource = {
        var volume = Samples.volume("v1", by: "p1")
        volume.disk.volume.mode = .ro
        return volume
    }()

    private static let unreservedVolume: V1Resource = {
        var volume = Samples.volume("v1", by: "p1")
        volume.reservations = []
        return volume
    }()

    private static let elsewhere: [V1Resource] = Samples.reserved("cpus:1", for: "dev", by: "p1").map {
        var resource = $0
        resource.allocationInfo.role = "ops"
        return resource
    }

    static let broken: [Broken] = [
        Broken("nothing", Samples.operation(.reserve, []), "No resources specified"),
        Broken(
            "not reserved", Samples.operation(.reserve, Samples.bag("cpus:1").protobuf()),
            "Resource cpus:1 is not dynamically reserved"),
        Broken(
            "volume", Samples.operation(.reserve, [Samples.volume("v1", by: "p1")]),
            "A persistent volume disk(dev,dynamic,p1)[v1]:64 must already be reserved"),
        Broken(
            "no principal", Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev")),
            "A reserve operation was attempted by principal 'p1', but there is a reserved resource in the request with no "
                + "principal set"),
        Broken(
            "another principal", Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev", by: "p2")),
            "A reserve operation was attempted by principal 'p1', but there is a reserved resource in the request with "
                + "principal 'p2' set"),
        Broken(
            "another role", Samples.operation(.reserve, Samples.reserved("cpus:1", for: "ops", by: "p1")),
            "A reserve operation was attempted for a resource with role 'ops', but the framework can only reserve "
                + "resources with roles '{ dev }'"),
        Broken(
            "another allocation", Samples.operation(.reserve, elsewhere),
            "Operation attempted with invalid resources: resources are allocated to role 'ops' while the offers are "
                + "allocated to role 'dev'"),
        Broken(
            "negative",
            Samples.operation(
                .reserve,
                Samples.reserved("cpus:1", for: "dev", by: "p1").map {
                    var resource = $0
                    resource.scalar.value = -1
                    return resource
                }), "Operation attempted with invalid resources: Invalid scalar resource: value <= 0"),
        Broken(
            "too much", Samples.operation(.reserve, Samples.reserved("cpus:5", for: "dev", by: "p1")),
            "Invalid RESERVE Operation: cpus:4;mem:4096;disk:1000;ports:[31000-31099] does not contain cpus:5"),
        Broken(
            "unreserved", Samples.operation(.unreserve, Samples.bag("cpus:1").protobuf()),
            "Resource cpus:1 is not dynamically reserved"),
        Broken(
            "volume unreserved", Samples.operation(.unreserve, [Samples.volume("v1", by: "p1")]),
            "A dynamically reserved persistent volume disk(dev,dynamic,p1)[v1]:64 cannot be unreserved directly. Please "
                + "destroy the persistent volume first then unreserve the resource"),
        Broken(
            "no volume", Samples.operation(.create, Samples.reserved("disk:64", for: "dev", by: "p1")),
            "Not a persistent volume: Resource 'disk' does not have DiskInfo"),
        Broken(
            "bad id", Samples.operation(.create, [Samples.volume("a/b", by: "p1")]),
            "Not a persistent volume: 'a/b' contains invalid characters"),
        Broken(
            "read-only", Samples.operation(.create, [readOnly]),
            "Not a persistent volume: Read-only persistent volume not supported"),
        Broken(
            "volume of unreserved disk", Samples.operation(.create, [unreservedVolume]),
            "Not a persistent volume: Persistent volumes cannot be created from unreserved resources."),
        Broken(
            "twice", Samples.operation(.create, [Samples.volume("v1", by: "p1"), Samples.volume("v1", by: "p1")]),
            "Persistence ID 'v1' of role 'dev' is not unique"),
        Broken(
            "volume's principal", Samples.operation(.create, [Samples.volume("v1")]),
            "A create operation was attempted by principal 'p1', but there is a volume in the request with no principal "
                + "set"),
        Broken(
            "unknown volume", Samples.operation(.destroy, [Samples.volume("v9", by: "p1")]),
            "Persistent volumes not found"),
        Broken("CREATE_DISK", Samples.operation(.createDisk, []), "'source' is not managed by a resource provider"),
        Broken("DESTROY_DISK", Samples.operation(.destroyDisk, []), "'source' is not managed by a resource provider"),
    ]

    @Test(arguments: broken)
    func `an operation that breaks a rule is answered with the reason if it has an id, and changes nothing`(
        _ broken: Broken
    ) {
        var talk = MasterConversation()
        let pair = Self.pair(&talk, principal: "p1")
        var named = broken.operation
        named.id.value = "op1"
        talk.accept([broken.operation, named], pair, refuseSeconds: 0)
        let answers = talk.operationStatuses(pair.stream)
        #expect(answers.map(\.operationID.value) == ["op1"])
        #expect(answers.map(\.state) == [.operationError])
        #expect(answers.map(\.message) == [broken.message])
        #expect(answers.allSatisfy { !$0.hasUuid })
        #expect(talk.applied(pair.link).isEmpty)
        #expect(talk.offers(pair.stream).count == 2)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a volume in use is not destroyed`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        var task = Samples.task("t1", on: pair.agent)
        task.resources.append(Samples.volume("v1"))
        talk.accept(
            [
                Samples.operation(.reserve, Samples.reserved("disk:64", for: "dev")),
                Samples.operation(.create, [Samples.volume("v1")]), Samples.launch([task]),
                Samples.operation(.destroy, [Samples.volume("v1")], id: "op1"),
            ], pair)
        #expect(talk.operationStatuses(pair.stream).map(\.message) == ["Persistent volumes in use"])
    }

    @Test func `a reservation is refined only for a role that the framework has`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk, roles: ["eng/dev"])
        talk.accept(
            [Samples.operation(.reserve, Samples.reserved("cpus:1", for: "eng/dev"), id: "a")], pair, refuseSeconds: 0)
        #expect(talk.operationStatuses(pair.stream).isEmpty)
        talk.accept(
            [Samples.operation(.reserve, Samples.reserved("cpus:1", for: "eng/dev", "eng/dev/x"), id: "b")], pair)
        #expect(talk.operationStatuses(pair.stream).map(\.state) == [.operationError])
    }

    @Test func `feedback is refused on an agent that cannot give it`() {
        var talk = MasterConversation()
        let pair = talk.pair(
            Samples.framework(), Samples.agent(capabilities: [.multiRole, .hierarchicalRole, .reservationRefinement]))
        talk.accept([Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"), id: "op1")], pair)
        #expect(talk.operationStatuses(pair.stream).map(\.state) == [.operationError])
    }

    @Test func `operations with stale offers or without the agent are answered if they have an id`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        talk.call(pair.stream, pair.framework, .accept) { call in
            call.accept.offerIds = [V1OfferID("zzz")]
            call.accept.operations = [Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"), id: "op1")]
        }
        #expect(
            talk.operationStatuses(pair.stream).map(\.message)
                == ["Operation attempted with invalid offers: Offer zzz is no longer valid"])
    }

    @Test func `a volume grows and shrinks once the agent has said so`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        var grow = V1Offer.Operation()
        grow.type = .growVolume
        grow.id.value = "grow"
        grow.growVolume.volume = Samples.volume("v1")
        grow.growVolume.addition = Samples.reserved("disk:36", for: "dev")[0]
        talk.accept(
            [
                Samples.operation(.reserve, Samples.reserved("disk:100", for: "dev")),
                Samples.operation(.create, [Samples.volume("v1")]), grow,
            ], pair, refuseSeconds: 0)
        #expect(talk.operationStatuses(pair.stream).isEmpty)
        #expect(talk.isBalanced(pair.agent))
        #expect(talk.offers(pair.stream).last?.resources.contains { $0.hasDisk } == false)
        talk.finish(talk.applied(pair.link)[2], on: pair.link, uuid: 1)
        // A volume alone is too little for an offer: it comes with the rest.
        let held = talk.core.cluster?.offers.all.map { V1OfferID($0.id) } ?? []
        talk.call(pair.stream, pair.framework, .decline) { call in
            call.decline.offerIds = held
            call.decline.filters.refuseSeconds = 0
        }
        talk.pass(.seconds(1))
        let volume = talk.offers(pair.stream).flatMap(\.resources).last { $0.hasDisk }
        #expect(volume?.scalar.value == 100)
        #expect(talk.isBalanced(pair.agent))
    }

    // MARK: Feedback

    @Test func `an operation with an id is reported until it is acknowledged, one without is not`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        talk.accept(
            [
                Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"), id: "op1"),
                Samples.operation(.reserve, Samples.reserved("mem:64", for: "dev")),
            ], pair)
        #expect(talk.core.cluster?.operations.all.map(\.latest.state) == [.operationPending, .operationPending])
        let sent = talk.applied(pair.link)
        talk.finish(sent[0], on: pair.link, uuid: 1)
        talk.finish(sent[1], on: pair.link)
        let statuses = talk.operationStatuses(pair.stream)
        #expect(statuses.map(\.operationID.value) == ["op1"])
        #expect(statuses.map(\.state) == [.operationFinished])
        #expect(statuses.map(\.agentID.value) == [pair.agent.value])
        #expect(talk.core.cluster?.operations.all.count == 1)
        talk.call(pair.stream, pair.framework, .acknowledgeOperationStatus) { call in
            call.acknowledgeOperationStatus.agentID = V1AgentID(pair.agent)
            call.acknowledgeOperationStatus.operationID.value = "op1"
            call.acknowledgeOperationStatus.uuid = statuses[0].uuid.value
        }
        let acknowledged = talk.commands(pair.link).filter { $0.type == .acknowledgeOperation }
        #expect(acknowledged.map(\.acknowledgeOperation.operationUuid) == [sent[0].uuid])
        #expect(talk.core.cluster?.operations.all.isEmpty == true)
    }

    @Test func `an operation the agent could not do is reported, and the agent is asked what it has`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        talk.accept([Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"), id: "op1")], pair)
        talk.finish(talk.applied(pair.link)[0], on: pair.link, .operationFailed, uuid: 1, message: "no")
        #expect(talk.operationStatuses(pair.stream).map(\.state) == [.operationFailed])
        #expect(talk.isClosed(pair.link))
        var again = Self.agent
        again.agent.id = V1AgentID(pair.agent)
        talk.register(again)
        #expect(talk.core.cluster?.agents[pair.agent]?.total.reservedRoles.isEmpty == true)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a lost operation is reported as dropped when the agent comes back without it`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        talk.accept([Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"), id: "op1")], pair)
        let sent = talk.applied(pair.link)[0]
        talk.send(.linkClosed(pair.link))
        var again = Self.agent
        again.agent.id = V1AgentID(pair.agent)
        let link = talk.register(again)
        #expect(talk.commands(link).filter { $0.type == .reconcileOperations }.count == 1)
        talk.finish(sent, on: link, .operationDropped)
        #expect(talk.operationStatuses(pair.stream).map(\.state) == [.operationDropped])
        #expect(talk.core.cluster?.operations.all.isEmpty == true)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `after a change of leader the agent's reservations and unacknowledged operations are known again`() {
        var talk = MasterConversation()
        let stream = talk.subscribe(Samples.framework(id: "f"))
        var message = Self.agent
        message.agent.id.value = "old-S0"
        message.totalResources =
            Samples.bag("cpus:3;mem:4096;disk:1000;ports:[31000-31099]").protobuf()
            + Samples.reserved("cpus:1", for: "dev")
        var operation = LinkOperation()
        operation.frameworkID.value = "f"
        operation.operationID.value = "op1"
        operation.id = WireUUID(bytes: [UInt8](repeating: 9, count: 16))
        operation.info = Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"), id: "op1")
        operation.latestStatus.state = .operationFinished
        message.operations = [operation]
        talk.register(message)
        let offered = talk.offers(stream).flatMap(\.resources)
        #expect(offered.filter { $0.name == "cpus" }.map(\.scalar.value).sorted() == [1, 3])
        talk.call(stream, "f", .reconcileOperations) { $0.reconcileOperations = .init() }
        #expect(talk.operationStatuses(stream).map(\.state) == [.operationFinished])
    }

    @Test func `RECONCILE_OPERATIONS answers for each operation by what is known of it and of its agent`() {
        var stored = RegistryState()
        var info = Samples.agent(id: "a-S0").agent
        info.id.value = "a-S0"
        stored.agents["a-S0"] = info
        stored.unreachable["a-S1"] = WallTime(nanoseconds: 1)
        stored.gone["a-S2"] = WallTime(nanoseconds: 1)
        var talk = MasterConversation(stored: stored)
        let pair = talk.pair()
        talk.call(pair.stream, pair.framework, .reconcileOperations) { call in
            for agent in ["a-S0", "a-S1", "a-S2", pair.agent.value, "stranger", nil] {
                var named = V1SchedulerCall.ReconcileOperations.Operation()
                named.operationID.value = "op"
                if let agent { named.agentID.value = agent }
                call.reconcileOperations.operations.append(named)
            }
        }
        #expect(
            talk.operationStatuses(pair.stream).map(\.state) == [
                .operationRecovering, .operationUnreachable, .operationGoneByOperator, .operationUnknown,
                .operationUnknown, .operationUnknown,
            ])
        #expect(talk.operationStatuses(pair.stream).allSatisfy { !$0.hasUuid })
    }

    @Test func `operations of an agent that becomes unreachable are reported so`() {
        var talk = MasterConversation()
        let pair = Self.pair(&talk)
        talk.accept([Samples.operation(.reserve, Samples.reserved("cpus:1", for: "dev"), id: "op1")], pair)
        talk.pass(.seconds(91))
        #expect(talk.operationStatuses(pair.stream).map(\.state) == [.operationUnreachable])
        #expect(talk.core.cluster?.operations.all.isEmpty == true)
    }
}

extension Resources {
    fileprivate var volumeIDs: [String] { volumes.entries.compactMap { $0.disk?.persistenceID } }
}
