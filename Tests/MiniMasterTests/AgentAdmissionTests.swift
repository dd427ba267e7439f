// Which agents a master takes, and what it tells those it does not.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct AgentAdmissionTests {
    /// Why the master refuses a registration; nil if it takes the agent.
    private func refusal(
        of message: LinkCall.Register, _ talk: inout MasterConversation, from remoteHost: String = "10.0.0.1"
    ) -> LinkCommand.Refused? {
        let link = talk.register(message, from: remoteHost)
        return talk.commands(link).first { $0.type == .refused }?.refused
    }

    // MARK: Cluster

    @Test func `the first leader names the cluster, and agents are told the name once it is durable`() {
        var talk = MasterConversation()
        let link = talk.register(Samples.agent())
        #expect(talk.stored.cluster == MasterConversation.masterID)
        #expect(talk.commands(link).first?.registered.cluster == MasterConversation.masterID)
        var next = MasterConversation(stored: talk.stored, masterID: "99999999-2222-4333-8444-555555555555")
        let again = next.register(Samples.agent(id: "\(MasterConversation.masterID)-S0"))
        #expect(next.commands(again).first?.registered.cluster == MasterConversation.masterID)
    }

    @Test func `an agent of another cluster is refused, keeps its tasks, and is told why`() {
        var talk = MasterConversation()
        var message = Samples.agent(id: "other-S0")
        message.cluster = "other"
        let refused = refusal(of: message, &talk)
        #expect(
            refused?.reason
                == "The agent belongs to cluster other, this master to cluster \(MasterConversation.masterID)")
        #expect(refused?.shutdown == false)
        #expect(talk.stored.agents.isEmpty)
        #expect(talk.notes.contains { $0.level == .warning && $0.text.contains("other-S0") })
    }

    @Test func `an empty registry can be told the name that the agents know`() {
        var settings = MasterSettings()
        settings.clusterID = "old-cluster"
        var talk = MasterConversation(settings: settings)
        var message = Samples.agent(id: "old-S0")
        message.cluster = "old-cluster"
        #expect(refusal(of: message, &talk) == nil)
        #expect(talk.agents == ["old-S0"], "an id the registry does not know is taken as it is")
    }

    // MARK: Versions

    @Test(arguments: ["0.0.9", "abc", "", "1.2"]) func `an agent of an unusable version is refused`(version: String) {
        var talk = MasterConversation()
        var message = Samples.agent()
        message.version = version
        let refused = refusal(of: message, &talk)
        #expect(refused?.reason.hasPrefix("The agent's version") == true)
        #expect(refused?.shutdown == false)
    }

    @Test(arguments: ["0.1.0", "0.2.7-dev+5", "1.0.0"]) func `this version of agents and later ones are taken`(
        version: String
    ) {
        var talk = MasterConversation()
        var message = Samples.agent()
        message.version = version
        #expect(refusal(of: message, &talk) == nil)
    }

    // MARK: Domains

    private func domain(_ region: String) -> V1DomainInfo {
        var domain = V1DomainInfo()
        domain.faultDomain.region.name = region
        domain.faultDomain.zone.name = "z1"
        return domain
    }

    @Test func `an agent with a fault domain needs a master with one`() {
        var talk = MasterConversation()
        var message = Samples.agent()
        message.agent.domain = domain("r1")
        #expect(refusal(of: message, &talk)?.reason.contains("fault domain") == true)
    }

    @Test func `an agent without a fault domain is refused where one is required`() {
        var settings = MasterSettings()
        settings.requiresAgentDomain = true
        var talk = MasterConversation(settings: settings)
        #expect(refusal(of: Samples.agent(), &talk)?.reason.contains("--require_agent_domain") == true)
    }

    // MARK: Addresses

    @Test func `a known agent at another address is told to shut down, and the one that is here stays`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let refused = refusal(of: Samples.agent(id: pair.agent.value), &talk, from: "10.0.0.2")
        #expect(refused?.shutdown == true)
        #expect(refused?.reason == "Agent \(pair.agent) is registered from 10.0.0.1, not from 10.0.0.2")
        #expect(talk.core.cluster?.agents[pair.agent]?.link == pair.link)
    }

    @Test func `after a change of leader an agent may come from wherever it is`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        var next = MasterConversation(stored: talk.stored, masterID: "99999999-2222-4333-8444-555555555555")
        #expect(refusal(of: Samples.agent(id: pair.agent.value), &next, from: "10.0.0.9") == nil)
    }

    /// A registration of an agent that says where others reach it.
    private func advertising(_ ip: String, id: AgentID? = nil, port: Int32 = 5051) -> LinkCall.Register {
        var message = Samples.agent(id: id?.value, port: port)
        message.advertisedIp = ip
        return message
    }

    @Test func `the address that an agent advertises is what others are told, and its connection's otherwise`() {
        var talk = MasterConversation()
        let stream = talk.subscribe(Samples.framework())
        talk.register(advertising("192.0.2.7", port: 31))
        talk.register(Samples.agent("a2.example.org"))
        #expect(talk.offers(stream).map(\.url.address.ip).sorted() == ["10.0.0.1", "192.0.2.7"])
        #expect(talk.offers(stream).map(\.url.address.port).sorted() == [31, 5051])
        #expect(
            talk.core.cluster?.agents.all.map(\.pid).sorted() == ["slave(1)@10.0.0.1:5051", "slave(1)@192.0.2.7:31"])
    }

    @Test func `an advertised address is known again to the next leader`() {
        var talk = MasterConversation()
        talk.register(advertising("192.0.2.7"))
        let id = talk.core.cluster?.agents.ids.first
        var next = MasterConversation(stored: talk.stored, masterID: "99999999-2222-4333-8444-555555555555")
        #expect(refusal(of: advertising("192.0.2.7", id: id), &next, from: "10.0.0.9") == nil)
        #expect(next.core.cluster?.agents.all.map(\.pid) == ["slave(1)@192.0.2.7:5051"])
    }

    @Test func `an agent that begins to advertise an address, or another one, is the same agent`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        for message in [advertising("192.0.2.7", id: pair.agent), advertising("192.0.2.8", id: pair.agent)] {
            #expect(refusal(of: message, &talk) == nil)
            #expect(talk.core.cluster?.agents[pair.agent]?.ip == message.advertisedIp)
        }
        #expect(refusal(of: Samples.agent(id: pair.agent.value), &talk) == nil)
        #expect(talk.core.cluster?.agents[pair.agent]?.ip == "10.0.0.1")
    }

    @Test func `an agent known by its advertised address may come another way once its link is over`() {
        var talk = MasterConversation()
        let link = talk.register(advertising("192.0.2.7"))
        let id = talk.agents[0]
        let other = talk.register(advertising("192.0.2.7", id: id), from: "10.0.0.2")
        #expect(talk.commands(other).isEmpty, "it could as well be another that bears its id and its address")
        #expect(talk.core.cluster?.agents[id]?.link == link)
        talk.send(.linkClosed(link))
        #expect(refusal(of: advertising("192.0.2.7", id: id), &talk, from: "10.0.0.2") == nil)
        let stranger = refusal(of: advertising("192.0.2.9", id: id), &talk, from: "10.0.0.3")
        #expect(stranger?.shutdown == true)
    }

    @Test(arguments: [
        "", "garbage", "0.0.0.0", "1.2.3", "1.2.3.256", "::1", "10.0.0.1:5051", "10.0.0.1\n", "\u{7F}\u{9B}",
    ])
    func `an agent that advertises what is no address is refused, keeps its tasks and is told why`(ip: String) {
        var talk = MasterConversation()
        let refused = refusal(of: advertising(ip), &talk)
        #expect(refused?.reason.hasPrefix("The agent's advertised address '") == true)
        let disturbs: Set<Character> = ["\n", "\u{7F}", "\u{9B}"]
        #expect(refused?.reason.contains { disturbs.contains($0) } == false)
        #expect(refused?.shutdown == false)
        #expect(talk.stored.agents.isEmpty)
    }

    @Test(arguments: [Int32(0), -1, 65_536]) func `an agent whose port is none is refused`(port: Int32) {
        var talk = MasterConversation()
        let refused = refusal(of: Samples.agent(port: port), &talk)
        #expect(refused?.reason == "The agent's port \(port) is not between 1 and 65535")
        #expect(refused?.shutdown == false)
    }

    @Test func `a machine in the maintenance schedule is found by the address that its agent advertises`() {
        var talk = MasterConversation()
        let stream = talk.subscribe(Samples.framework())
        talk.register(advertising("192.0.2.7"))
        talk.register(advertising("192.0.2.8", port: 31))
        talk.schedule([[MasterConversation.machine("", "192.0.2.7")]])
        let planned = talk.offers(stream).filter(\.hasUnavailability)
        #expect(planned.map(\.url.address.ip) == ["192.0.2.7"])
    }

    // MARK: Identity on disk

    @Test func `nothing is offered of a new agent before it says that it has its id on disk`() {
        var talk = MasterConversation()
        talk.agentsConfirmAtOnce = false
        let stream = talk.subscribe(Samples.framework())
        let link = talk.register(Samples.agent())
        #expect(talk.commands(link).map(\.type) == [.registered, .ping])
        #expect(talk.offers(stream).isEmpty)
        talk.agentCall(link, .pong) { $0.pong.sequence = 0 }
        #expect(talk.offers(stream).count == 1)
    }

    @Test func `an agent that comes back with its id needs no such proof`() {
        var talk = MasterConversation()
        talk.agentsConfirmAtOnce = false
        let stream = talk.subscribe(Samples.framework())
        let link = talk.register(Samples.agent(id: "old-S0"))
        #expect(talk.commands(link).map(\.type) == [.registered])
        #expect(talk.offers(stream).count == 1)
    }

    @Test func `an agent that died with its id not on disk is given the same one again`() {
        var talk = MasterConversation()
        talk.agentsConfirmAtOnce = false
        let first = talk.register(Samples.agent())
        talk.send(.linkClosed(first))
        let second = talk.register(Samples.agent())
        #expect(talk.commands(second).first?.registered.agentID.value == "\(MasterConversation.masterID)-S0")
        #expect(talk.agents.count == 1)
    }
}
