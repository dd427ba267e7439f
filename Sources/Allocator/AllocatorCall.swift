// What an allocator was told and what it decided, as values that can be written down and played again.

import Resources

/// One call of an allocator's owner, with its outcome where there is one.
public enum AllocatorCall: Hashable, Codable, Sendable {
    /// The first: how the allocator was made.
    case began(AllocatorSettings)
    case agentAdded(AgentID, total: Resources, AgentTraits)
    case agentUpdated(AgentID, total: Resources, AgentTraits?)
    case agentRemoved(AgentID)
    case agentActivity(AgentID, isActive: Bool)
    case whitelist(Set<String>?)
    case framework(FrameworkID, FrameworkWishes)
    case frameworkRemoved(FrameworkID)
    case frameworkActivated(FrameworkID)
    case frameworkDeactivated(FrameworkID)
    case suppressed(FrameworkID, Set<RoleName>)
    case revived(FrameworkID, Set<RoleName>)
    case weight(RoleName, Weight)
    case quotas([RoleQuota])
    case paused(Bool)
    case charged(Held, Resources)
    case recovered(Held, Resources, filter: Duration?, at: Instant)
    case converted(Held, from: Resources, to: Resources)
    case convertedFree(AgentID, from: Resources, to: Resources)
    case allocated(at: Instant, seed: UInt64, made: [Allocation])

    /// Who holds something where.
    public struct Held: Hashable, Codable, Sendable {
        public var framework: FrameworkID
        public var role: RoleName
        public var agent: AgentID

        public init(framework: FrameworkID, role: RoleName, agent: AgentID) {
            self.framework = framework
            self.role = role
            self.agent = agent
        }
    }

    public struct RoleQuota: Hashable, Codable, Sendable {
        public var role: RoleName
        public var quota: Quota?

        public init(role: RoleName, quota: Quota?) {
            self.role = role
            self.quota = quota
        }
    }

    /// Everything a framework says about itself.
    public struct FrameworkWishes: Hashable, Codable, Sendable {
        public var roles: [RoleName]
        public var suppressed: Set<RoleName>
        public var isActive: Bool
        public var canUseGPUs: Bool
        public var canUseRevocable: Bool
        public var canUseShared: Bool
        public var canUseRefinements: Bool
        public var canUseOtherRegions: Bool
        public var constraints: [RoleName: OfferConstraints]
        public var minAllocatable: [RoleName: [Resources]]
    }
}

/// Why a record cannot be played.
public enum ReplayError: Error, Hashable, Sendable, CustomStringConvertible {
    case noBeginning
    /// A call that its allocator would have refused: the record is damaged.
    case impossible(call: Int, String)

    public var description: String {
        switch self {
        case .noBeginning: "the record does not begin with an allocator's settings"
        case .impossible(let call, let what): "call \(call) is impossible: \(what)"
        }
    }
}

/// Plays recorded calls and compares each decision with the recorded one.
public struct AllocatorReplay: Sendable {
    public private(set) var calls = 0
    public private(set) var rounds = 0
    public private(set) var allocations = 0
    /// The first round that was decided otherwise.
    public private(set) var difference: Difference?
    public private(set) var allocator: Allocator?

    public struct Difference: Hashable, Sendable {
        /// Its place in the record, from 1.
        public var call: Int
        public var recorded: [Allocation]
        public var made: [Allocation]
    }

    public init() {}

    /// - Throws: If the call cannot follow those before it.
    public mutating func play(_ call: AllocatorCall) throws(ReplayError) {
        calls += 1
        if case .began(let settings) = call {
            // A new term of leadership: the allocator is a new one.
            allocator = Allocator(settings: settings)
            return
        }
        guard allocator != nil else { throw .noBeginning }
        if let fault = allocator?.fault(in: call) { throw .impossible(call: calls, fault) }
        guard let made = allocator?.apply(call), case .allocated(_, _, let recorded) = call else { return }
        rounds += 1
        allocations += made.count
        if made != recorded, difference == nil {
            difference = Difference(call: calls, recorded: recorded, made: made)
        }
    }
}

extension Allocator {
    /// Does what a call says.
    ///
    /// - Returns: What was allocated, for `.allocated`.
    @discardableResult
    public mutating func apply(_ call: AllocatorCall) -> [Allocation] {
        switch call {
        case .began: break
        case .agentAdded(let id, let total, let traits):
            addAgent(id, total: total, traits: traits, at: Moment(instant: .zero, wall: WallTime(nanoseconds: 0)))
        case .agentUpdated(let id, let total, let traits): updateAgent(id, total: total, traits: traits)
        case .agentRemoved(let id): removeAgent(id)
        case .agentActivity(let id, let isActive): setAgentActive(id, isActive)
        case .whitelist(let hostnames): setWhitelist(hostnames)
        case .framework(let id, let wishes): addFramework(id, wishes)
        case .frameworkRemoved(let id): removeFramework(id)
        case .frameworkActivated(let id): activateFramework(id)
        case .frameworkDeactivated(let id): deactivateFramework(id)
        case .suppressed(let id, let roles): suppress(id, roles: roles)
        case .revived(let id, let roles): revive(id, roles: roles)
        case .weight(let role, let weight): setWeight(role, weight)
        case .quotas(let changes):
            setQuotas(Dictionary(changes.map { ($0.role, $0.quota) }) { _, last in last })
        case .paused(let isPaused): if isPaused { pause() } else { resume() }
        case .charged(let held, let resources):
            charge(held.framework, role: held.role, agent: held.agent, resources: resources)
        case .recovered(let held, let resources, let filter, let now):
            recover(
                held.framework, role: held.role, agent: held.agent, resources: resources, filter: filter, at: now)
        case .converted(let held, let from, let to):
            convert(held.framework, role: held.role, agent: held.agent, from: from, to: to)
        case .convertedFree(let agent, let from, let to): convertFree(agent: agent, from: from, to: to)
        case .allocated(let now, let seed, _): return allocate(at: now, seed: seed)
        }
        return []
    }

    /// What would break a precondition.
    fileprivate func fault(in call: AllocatorCall) -> String? {
        switch call {
        case .recovered(let held, let resources, _, _):
            let mine = self.held(by: held.framework, in: held.role, on: held.agent)
            guard let slot = agents.slot(of: held.agent), client(held.framework, held.role) != nil,
                !agents.values[slot].hasContradictions, !mine.contains(resources)
            else { return nil }
            return "\(held.framework) gives back \(resources) on \(held.agent) and holds \(mine)"
        case .quotas(let changes):
            let wrong = changes.first { $0.role.parent != nil || $0.role == .any }
            return wrong.map { "\($0.role) cannot have a quota" }
        case .weight(_, let weight): return weight.micro > 0 ? nil : "a weight of \(weight)"
        default: return nil
        }
    }
}

extension Allocator {
    /// Whether calls are kept until `takeRecord` fetches them.
    public var isRecording: Bool { record != nil }

    /// Keeps every call from now on. Complete only if it is asked of a new allocator.
    public mutating func startRecording() { record = [.began(settings)] }

    public mutating func stopRecording() { record = nil }

    /// The calls since the last time, oldest first.
    public mutating func takeRecord() -> [AllocatorCall] {
        guard let calls = record, !calls.isEmpty else { return [] }
        record = []
        return calls
    }
}
