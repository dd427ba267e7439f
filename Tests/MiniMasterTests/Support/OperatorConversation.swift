// Operator calls in a conversation with a master's core.
import MesosProtocol
import Resources

@testable import MiniMaster

extension MasterConversation {
    /// Sends an operator's call and returns how it was answered; nil if it waits for the registry.
    @discardableResult
    mutating func operate(
        _ type: V1OperatorCall.TypeEnum, _ fill: (inout V1OperatorCall) -> Void = { _ in }
    ) -> MasterAnswer? {
        var call = V1OperatorCall()
        call.type = type
        fill(&call)
        let number = nextRequest()
        return Self.answer(to: number, in: send(.operatorCalled(number, OperatorRequest(call: call))))
    }

    @discardableResult
    mutating func setWeights(_ weights: [(String, Double)]) -> MasterAnswer? {
        operate(.updateWeights) { call in
            call.updateWeights.weightInfos = weights.map { role, weight in
                var info = V1WeightInfo()
                info.role = role
                info.weight = weight
                return info
            }
        }
    }

    @discardableResult
    mutating func setQuota(
        _ role: String, guarantees: [String: Double] = [:], limits: [String: Double] = [:], force: Bool = false
    ) -> MasterAnswer? {
        operate(.updateQuota) { call in
            var config = V1QuotaQuotaConfig()
            config.role = role
            config.guarantees = guarantees.mapValues(Self.scalar)
            config.limits = limits.mapValues(Self.scalar)
            call.updateQuota.quotaConfigs = [config]
            call.updateQuota.force = force
        }
    }

    private static func scalar(_ value: Double) -> V1Value.Scalar {
        var scalar = V1Value.Scalar()
        scalar.value = value
        return scalar
    }

    static func machine(_ hostname: String = "", _ ip: String = "") -> V1MachineID {
        var id = V1MachineID()
        if !hostname.isEmpty { id.hostname = hostname }
        if !ip.isEmpty { id.ip = ip }
        return id
    }

    /// Posts a schedule of one window each, starting 100, 200, ... seconds after the epoch.
    @discardableResult
    mutating func schedule(_ windows: [[V1MachineID]]) -> MasterAnswer? {
        operate(.updateMaintenanceSchedule) { call in
            call.updateMaintenanceSchedule.schedule.windows = windows.enumerated().map { index, machines in
                var window = V1MaintenanceWindow()
                window.machineIds = machines
                window.unavailability.start.nanoseconds = Int64(index + 1) * 100_000_000_000
                return window
            }
        }
    }

    @discardableResult
    mutating func machinesDown(_ machines: [V1MachineID]) -> MasterAnswer? {
        operate(.startMaintenance) { $0.startMaintenance.machines = machines }
    }

    @discardableResult
    mutating func machinesUp(_ machines: [V1MachineID]) -> MasterAnswer? {
        operate(.stopMaintenance) { $0.stopMaintenance.machines = machines }
    }

    @discardableResult
    mutating func deactivate(_ agent: AgentID) -> MasterAnswer? {
        operate(.deactivateAgent) { $0.deactivateAgent.agentID = V1AgentID(agent) }
    }

    @discardableResult
    mutating func reactivate(_ agent: AgentID) -> MasterAnswer? {
        operate(.reactivateAgent) { $0.reactivateAgent.agentID = V1AgentID(agent) }
    }

    @discardableResult
    mutating func markGone(_ agent: AgentID) -> MasterAnswer? {
        operate(.markAgentGone) { $0.markAgentGone.agentID = V1AgentID(agent) }
    }

    @discardableResult
    mutating func drainAgent(_ agent: AgentID, graceSeconds: Int64? = nil, marksGone: Bool = false) -> MasterAnswer? {
        operate(.drainAgent) { call in
            call.drainAgent.agentID = V1AgentID(agent)
            if let graceSeconds { call.drainAgent.setMaxGrace(seconds: graceSeconds) }
            call.drainAgent.markGone = marksGone
        }
    }

    /// The next leader: a new core that knows what the registry holds and nothing else, one second later.
    func successor(settings: MasterSettings = MasterSettings()) -> MasterConversation {
        var next = MasterConversation(
            settings: settings, stored: stored, starts: false, masterID: "22222222-3333-4444-8555-666666666666")
        next.now = now.advanced(by: .seconds(1))
        next.send(.started)
        return next
    }

    func inverseOffers(_ stream: StreamID) -> [V1InverseOffer] { events(stream).flatMap(\.inverseOffers.inverseOffers) }

    func rescindedInverse(_ stream: StreamID) -> [String] {
        events(stream).filter { $0.type == .rescindInverseOffer }.map(\.rescindInverseOffer.inverseOfferID.value)
    }
}

extension Samples {
    /// An agent that can be drained.
    static func drainable(
        _ hostname: String = "a1.example.org", id: String? = nil, tasks: [LinkTask] = [],
        frameworks: [V1FrameworkInfo] = []
    ) -> LinkCall.Register {
        var message = agent(hostname, id: id, tasks: tasks, frameworks: frameworks)
        var capability = V1AgentInfo.Capability()
        capability.type = .agentDraining
        message.capabilities = [capability]
        return message
    }
}
