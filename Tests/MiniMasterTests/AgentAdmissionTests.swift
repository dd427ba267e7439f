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
