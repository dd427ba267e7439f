// ACCEPT: from offers to tasks, and what becomes of offers that cannot be used.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct LaunchTests {
    @Test func `an accepted task goes to the agent with everything filled in, and the rest is offered later`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 0)
        let run = talk.commands(pair.link).first { $0.type == .runTask }?.runTask
        #expect(run?.task.taskID.value == "t1")
        #expect(run?.task.resources.allSatisfy { $0.allocationInfo.role == "dev" } == true)
        #expect(run?.framework.id.value == pair.framework.value)
        let task = talk.core.cluster?.tasks[TaskKey(framework: pair.framework, task: "t1")]
        #expect(task?.state == .taskStaging)
        #expect(talk.statuses(pair.stream).isEmpty)
        let left = talk.offers(pair.stream).last?.resources.first { $0.name == "cpus" }
        #expect(left?.scalar.value == 3)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `leftovers come back after the default filter`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.drain()
        talk.pass(.milliseconds(4_900))
        #expect(talk.offers(pair.stream).isEmpty)
        talk.pass(.milliseconds(200))
        #expect(talk.offers(pair.stream).count == 1)
    }

    @Test(arguments: [true, false])
    func `a stale offer costs every task of the call, and the good offers go back`(isAware: Bool) {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(capabilities: isAware ? [.multiRole, .partitionAware] : [.multiRole]))
        let good = talk.offers(pair.stream)[0].id
        talk.drain()
        talk.call(pair.stream, pair.framework, .accept) { call in
            call.accept.offerIds = [good, V1OfferID("zzz")]
            var operation = V1Offer.Operation()
            operation.type = .launch
            operation.launch.taskInfos = [Samples.task("t1", on: pair.agent), Samples.task("t2", on: pair.agent)]
            call.accept.operations = [operation]
        }
        let statuses = talk.statuses(pair.stream)
        #expect(statuses.map(\.state) == Array(repeating: isAware ? .taskDropped : .taskLost, count: 2))
        #expect(statuses.allSatisfy { $0.reason == .invalidOffers && !$0.hasUuid })
        #expect(statuses[0].message == "Task launched with invalid offers: Offer zzz is no longer valid")
        #expect(talk.offers(pair.stream).count == 1)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `offers of two agents, of two roles, named twice, of others, or none cannot be combined`() throws {
        var book = OfferBook()
        let dev = try RoleName("dev")
        let ops = try RoleName("ops")
        for (id, framework, agent, role) in [
            ("o1", "f", "a", dev), ("o2", "f", "b", dev), ("o3", "f", "a", ops), ("o4", "g", "a", dev),
        ] {
            book.insert(
                Offer(
                    id: OfferID(id), framework: FrameworkID(framework), agent: AgentID(agent), role: role,
                    resources: Samples.bag("cpus:1")))
        }
        #expect(OfferChoice.fault(in: [], of: "f", book) == "No offers specified")
        #expect(OfferChoice.fault(in: ["o1", "o1"], of: "f", book) == "Duplicate offer o1 in offer list")
        #expect(
            OfferChoice.fault(in: ["o4"], of: "f", book)
                == "Offer o4 has invalid framework g while framework f is expected")
        #expect(
            OfferChoice.fault(in: ["o1", "o3"], of: "f", book)
                == "Aggregated offers must be allocated to the same role. Offer o3 uses role 'ops but another is "
                + "using role 'dev")
        #expect(
            OfferChoice.fault(in: ["o1", "o2"], of: "f", book)
                == "Aggregated offers must belong to one single agent. Offer o2 uses agent b but another is using "
                + "agent a")
        #expect(OfferChoice.fault(in: ["o1"], of: "f", book) == nil)
    }

    @Test func `an offer dies with its agent's link, and accepting it drops the task`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0].id
        talk.send(.linkClosed(pair.link))
        #expect(talk.rescinded(pair.stream) == [offer.value])
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskDropped])
    }

    @Test func `LAUNCH_GROUP is answered for every task of the group`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0].id
        talk.call(pair.stream, pair.framework, .accept) { call in
            call.accept.offerIds = [offer]
            var operation = V1Offer.Operation()
            operation.type = .launchGroup
            operation.launchGroup.taskGroup.tasks = [
                Samples.task("t1", on: pair.agent), Samples.task("t2", on: pair.agent),
            ]
            call.accept.operations = [operation]
        }
        #expect(talk.statuses(pair.stream).map(\.state) == [.taskError, .taskError])
        #expect(talk.statuses(pair.stream).allSatisfy { $0.reason == .taskGroupInvalid })
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `an operation with an id that is not supported is answered, one without is not`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0].id
        talk.call(pair.stream, pair.framework, .accept) { call in
            call.accept.offerIds = [offer]
            var silent = V1Offer.Operation()
            silent.type = .reserve
            var named = silent
            named.id.value = "op1"
            call.accept.operations = [silent, named]
        }
        let answers = talk.events(pair.stream).filter { $0.type == .updateOperationStatus }
        #expect(answers.map(\.updateOperationStatus.status.operationID.value) == ["op1"])
        #expect(answers.map(\.updateOperationStatus.status.state) == [.operationError])
    }

    @Test func `an id on a LAUNCH fails every task`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0].id
        talk.call(pair.stream, pair.framework, .accept) { call in
            call.accept.offerIds = [offer]
            var operation = V1Offer.Operation()
            operation.type = .launch
            operation.id.value = "op1"
            operation.launch.taskInfos = [Samples.task("t1", on: pair.agent)]
            call.accept.operations = [operation]
        }
        #expect(
            talk.statuses(pair.stream).map(\.message) == ["The `id` field cannot be set on LAUNCH operations"])
    }

    @Test func `ten thousand tiny tasks later the totals are back to the thousandth`() {
        var talk = MasterConversation()
        let pair = talk.pair(
            Samples.framework(), Samples.agent(resources: "cpus:16;mem:16384"))
        for round in 0..<100 {
            talk.drain()
            talk.call(pair.stream, pair.framework, .revive)
            talk.passAnsweringPings(.seconds(1), on: pair.link)  // Under such a load offers come in batches.
            let tasks = (0..<100).map { Samples.task("t\(round)-\($0)", on: pair.agent, resources: "cpus:0.001;mem:1") }
            // What single tasks gave back was offered at once, so by now there may be several offers.
            let offers = talk.core.cluster?.offers.offers(of: pair.agent) ?? []
            talk.call(pair.stream, pair.framework, .accept) { call in
                call.accept.offerIds = offers.map { V1OfferID($0.id) }
                var operation = V1Offer.Operation()
                operation.type = .launch
                operation.launch.taskInfos = tasks
                call.accept.operations = [operation]
            }
            for task in tasks {
                let id = TaskID(task.taskID)
                talk.update(pair.link, pair.framework, id, on: pair.agent, .taskFinished, uuid: 1)
                talk.acknowledge(pair, id, uuid: 1)
            }
        }
        #expect(talk.core.cluster?.tasks.count == 0)
        #expect(talk.core.counters["master/tasks_finished"] == 10_000)
        #expect(talk.isBalanced(pair.agent))
        talk.call(pair.stream, pair.framework, .revive)
        talk.passAnsweringPings(.seconds(1), on: pair.link)
        let offered = talk.core.cluster?.offers.offers(of: pair.agent).reduce(into: Resources()) { $0 += $1.resources }
        #expect(offered == Samples.bag("cpus:16;mem:16384"))
    }
}
