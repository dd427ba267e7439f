// Maintenance: the schedule and its faults, machines that go down and come up, inverse offers.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct MaintenanceTests {
    private static func machine(_ hostname: String = "", _ ip: String = "") -> V1MachineID {
        MasterConversation.machine(hostname, ip)
    }

    private let first = Self.machine("A1.example.org", "10.0.0.1")
    private let other = Self.machine("other")

    private func refused(_ reason: String) -> MasterAnswer { .refused(status: 400, reason: reason) }

    // MARK: The schedule

    @Test func `a schedule is shown as it was posted, and the next one replaces it`() {
        var talk = MasterConversation()
        #expect(talk.schedule([[first], [other, Self.machine("", "10.0.0.9")]]) == .done)
        let shown = talk.core.cluster?.maintenanceSchedule
        #expect(shown?.windows.map(\.machineIds) == [[first], [other, Self.machine("", "10.0.0.9")]])
        #expect(talk.schedule([[other]]) == .done)
        #expect(talk.stored.schedule.map(\.machineIds) == [[other]])
        #expect(talk.schedule([]) == .done)
        #expect(talk.stored.schedule.isEmpty)
    }

    @Test func `a faulty schedule is refused in the words of Apache Mesos and changes nothing`() {
        var talk = MasterConversation()
        talk.schedule([[first]])
        #expect(talk.schedule([[other], []]) == refused("List of machines in the maintenance window is empty"))
        #expect(
            talk.schedule([[other], [Self.machine("OTHER")]])
                == refused("Machine '{\"hostname\":\"OTHER\"}' appears more than once in the schedule"))
        #expect(talk.schedule([[Self.machine()]]) == refused("Both 'hostname' and 'ip' for a machine are empty"))
        #expect(talk.schedule([[Self.machine("x", "10.0.0.256")]])?.isRefusal == true)
        #expect(talk.schedule([[Self.machine("x", "::1")]])?.isRefusal == true)
        let negative = talk.operate(.updateMaintenanceSchedule) { call in
            var window = V1MaintenanceWindow()
            window.machineIds = [other]
            window.unavailability.start.nanoseconds = 1
            window.unavailability.duration.nanoseconds = -1
            call.updateMaintenanceSchedule.schedule.windows = [window]
        }
        #expect(negative == refused("Unavailability 'duration' is negative"))
        #expect(talk.stored.schedule.map(\.machineIds) == [[first]])
    }

    @Test func `a schedule that would not fit into one transaction is refused`() {
        var talk = MasterConversation()
        let machines = (0..<20_000).map { Self.machine("build-machine-number-\($0).example.org") }
        #expect(talk.schedule([machines])?.isRefusal == true)
        #expect(talk.isLeading)
    }

    // MARK: Offers

    @Test func `offers of a machine in the schedule are taken back and come again with the time`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        #expect(talk.offers(pair.stream)[0].hasUnavailability == false)
        talk.schedule([[first]])
        #expect(talk.rescinded(pair.stream).count == 1)
        #expect(talk.offers(pair.stream).last?.unavailability.start.nanoseconds == 100_000_000_000)
        talk.schedule([])
        #expect(talk.rescinded(pair.stream).count == 2)
        #expect(talk.offers(pair.stream).last?.hasUnavailability == false)
    }

    @Test func `a machine is found by its name without regard to case, by its address, or by both`() {
        for machine in [first, Self.machine("a1.EXAMPLE.org"), Self.machine("", "10.0.0.1")] {
            var talk = MasterConversation()
            let pair = talk.pair()
            talk.schedule([[machine]])
            #expect(talk.offers(pair.stream).last?.hasUnavailability == true)
        }
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.schedule([[Self.machine("a1.example.org", "10.0.0.2")]])
        #expect(talk.offers(pair.stream).count == 1)
    }

    // MARK: Inverse offers

    @Test func `a framework that holds something there is asked once, and its answer is shown`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 1000)
        let bystander = talk.subscribe(Samples.framework("idle"), suppressed: ["dev"])
        talk.schedule([[first]])
        talk.pass(.seconds(60))
        #expect(talk.inverseOffers(pair.stream).count == 1)
        #expect(talk.inverseOffers(bystander).isEmpty)
        let inverse = talk.inverseOffers(pair.stream)[0]
        #expect(inverse.agentID.value == pair.agent.value)
        #expect(inverse.frameworkID.value == pair.framework.value)
        #expect(inverse.unavailability.start.nanoseconds == 100_000_000_000)
        #expect(inverse.resources.isEmpty)
        #expect(talk.core.cluster?.maintenanceStatus.drainingMachines[0].statuses.map(\.status) == [.unknown])
        let answer = talk.call(pair.stream, pair.framework, .acceptInverseOffers) {
            $0.acceptInverseOffers.inverseOfferIds = [inverse.id]
        }
        #expect(answer == .accepted)
        let status = talk.core.cluster?.maintenanceStatus.drainingMachines[0]
        #expect(status?.id == first)
        #expect(status?.statuses.map(\.status) == [.accept])
        #expect(status?.statuses[0].timestamp.nanoseconds == talk.now.wall.nanoseconds)
    }

    @Test func `an answer holds for as long as its filter says, and reviving ends the filter`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair, refuseSeconds: 1000)
        talk.schedule([[first]])
        let decline: (inout MasterConversation, Double) -> Void = { talk, seconds in
            let last = talk.inverseOffers(pair.stream).last
            talk.call(pair.stream, pair.framework, .declineInverseOffers) { call in
                call.declineInverseOffers.inverseOfferIds = [last?.id ?? V1OfferID()]
                call.declineInverseOffers.filters.refuseSeconds = seconds
            }
        }
        decline(&talk, 30)
        talk.pass(.seconds(29))
        #expect(talk.inverseOffers(pair.stream).count == 1)
        talk.pass(.seconds(2))
        #expect(talk.inverseOffers(pair.stream).count == 2)
        decline(&talk, 1000)
        talk.call(pair.stream, pair.framework, .revive)
        #expect(talk.inverseOffers(pair.stream).count == 3)
        // One that never refuses is still not asked in a circle.
        decline(&talk, 0)
        #expect(talk.inverseOffers(pair.stream).count == 3)
        #expect(talk.core.cluster?.maintenanceStatus.drainingMachines[0].statuses.map(\.status) == [.decline])
    }

    @Test func `an inverse offer is taken back when the schedule changes or the agent goes`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.schedule([[first]])
        let inverse = talk.inverseOffers(pair.stream)
        talk.schedule([[other], [first]])
        #expect(talk.rescindedInverse(pair.stream) == inverse.map(\.id.value))
        #expect(talk.inverseOffers(pair.stream).last?.unavailability.start.nanoseconds == 200_000_000_000)
        talk.send(.linkClosed(pair.link))
        #expect(talk.rescindedInverse(pair.stream).count == 2)
        #expect(talk.core.cluster?.inverseOffers.count == 0)
    }

    @Test func `an inverse offer expires like an offer`() {
        var settings = MasterSettings()
        settings.offerTimeout = .seconds(10)
        var talk = MasterConversation(settings: settings)
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.schedule([[first]])
        talk.pass(.seconds(10))
        #expect(talk.rescindedInverse(pair.stream).count == 1)
        #expect(talk.inverseOffers(pair.stream).count == 2)
    }

    // MARK: Down and up

    @Test func `only a machine of the schedule can go down, and only once`() {
        var talk = MasterConversation()
        talk.schedule([[first]])
        #expect(talk.machinesDown([]) == refused("List of machines is empty"))
        #expect(
            talk.machinesDown([other])
                == refused("Machine '{\"hostname\":\"other\"}' is not part of a maintenance schedule"))
        #expect(
            talk.machinesUp([first])
                == refused(
                    "Machine '{\"hostname\":\"A1.example.org\",\"ip\":\"10.0.0.1\"}' is not in DOWN mode and cannot be "
                        + "brought up"))
        #expect(talk.machinesDown([first]) == .done)
        #expect(
            talk.machinesDown([first])
                == refused(
                    "Machine '{\"hostname\":\"A1.example.org\",\"ip\":\"10.0.0.1\"}' is not in DRAINING mode and cannot "
                        + "be brought down"))
        #expect(
            talk.schedule([[other]])
                == refused(
                    "Machine '{\"hostname\":\"A1.example.org\",\"ip\":\"10.0.0.1\"}' is deactivated and cannot be "
                        + "removed from the schedule"))
    }

    @Test func `agents of a machine that goes down are removed, told to shut down, and not let in again`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.schedule([[first]])
        talk.writesAtOnce = false
        #expect(talk.machinesDown([first]) == nil)
        #expect(!talk.commands(pair.link).contains { $0.type == .shutdown })
        #expect(talk.statuses(pair.stream).isEmpty)
        talk.writesAtOnce = true
        talk.releaseWrite()
        #expect(talk.commands(pair.link).last?.type == .shutdown)
        #expect(talk.isClosed(pair.link))
        let lost = talk.statuses(pair.stream)
        #expect(lost.map(\.state) == [.taskLost])
        #expect(lost.map(\.reason) == [.agentRemoved])
        #expect(lost.map(\.message) == ["Agent a1.example.org removed: Operator initiated 'Machine DOWN'"])
        #expect(talk.events(pair.stream).contains(.failure(of: pair.agent)))
        #expect(talk.stored.agents.isEmpty)
        #expect(talk.core.cluster?.maintenanceStatus.downMachines == [first])
        let again = talk.register(Samples.agent(id: pair.agent.value))
        #expect(talk.commands(again) == [.refused("Machine is `DOWN`", shutdown: true)])
    }

    @Test func `a machine that comes up leaves the schedule, and its agents are welcome again`() {
        var talk = MasterConversation()
        talk.schedule([[first, other], [Self.machine("third")]])
        talk.machinesDown([first])
        #expect(talk.machinesUp([first]) == .done)
        #expect(talk.stored.schedule.map(\.machineIds) == [[other], [Self.machine("third")]])
        talk.machinesDown([other])
        #expect(talk.machinesUp([other]) == .done)
        #expect(talk.stored.schedule.map(\.machineIds) == [[Self.machine("third")]])
        let link = talk.register(Samples.agent())
        #expect(talk.commands(link).map(\.type) == [.registered, .ping])
    }

    @Test func `an agent that registers while its machine goes down goes down too`() {
        var talk = MasterConversation()
        talk.schedule([[first]])
        talk.writesAtOnce = false
        talk.machinesDown([first])
        let link = talk.register(Samples.agent())
        talk.writesAtOnce = true
        talk.releaseWrite()
        #expect(talk.commands(link).last?.type == .shutdown)
        #expect(talk.core.cluster?.agents.count == 0)
        #expect(talk.stored.agents.isEmpty)
    }

    @Test func `the next leader knows the schedule and what is down`() {
        var talk = MasterConversation()
        talk.schedule([[first], [other]])
        talk.machinesDown([first])
        var next = talk.successor()
        #expect(next.core.cluster?.maintenanceStatus.downMachines == [first])
        #expect(next.core.cluster?.maintenanceStatus.drainingMachines.map(\.id) == [other])
        let link = next.register(Samples.agent())
        #expect(next.commands(link).map(\.type) == [.refused])
    }
}

extension MasterAnswer {
    /// Whether it is a 400.
    var isRefusal: Bool { if case .refused(status: 400, reason: _) = self { true } else { false } }
}
