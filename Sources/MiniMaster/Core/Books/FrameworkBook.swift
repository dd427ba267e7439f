// The frameworks the master knows: subscribed, away, recovered after a change of leader, and completed.
import MesosProtocol
import Resources

/// What a framework can cope with, as it said when it subscribed.
package struct FrameworkCapabilities: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let revocableResources = FrameworkCapabilities(rawValue: 1 << 1)
    package static let taskKillingState = FrameworkCapabilities(rawValue: 1 << 2)
    package static let gpuResources = FrameworkCapabilities(rawValue: 1 << 3)
    package static let sharedResources = FrameworkCapabilities(rawValue: 1 << 4)
    package static let partitionAware = FrameworkCapabilities(rawValue: 1 << 5)
    package static let multiRole = FrameworkCapabilities(rawValue: 1 << 6)
    package static let reservationRefinement = FrameworkCapabilities(rawValue: 1 << 7)
    package static let regionAware = FrameworkCapabilities(rawValue: 1 << 8)

    package init(_ info: V1FrameworkInfo) {
        self.init()
        for capability in info.capabilities where capability.type != .unknown {
            insert(FrameworkCapabilities(rawValue: 1 << UInt16(capability.type.rawValue)))
        }
    }
}

/// One framework.
package struct Framework: Sendable {
    package enum Connection: Equatable, Sendable {
        /// The stream is open; the registry is being told; no event was sent yet.
        case subscribing(StreamID)
        case connected(StreamID)
        /// Its failover timeout runs until the timer of that number fires.
        case disconnected(failoverTimer: UInt64)
        /// Known from the registry or from an agent; not heard of under this leader.
        case recovered(failoverTimer: UInt64)
        /// The registry is being told that it is removed. The stream, if any, is still open.
        case leaving(StreamID?)
    }

    package let id: FrameworkID
    /// Carries the id.
    package var info: V1FrameworkInfo
    package var capabilities: FrameworkCapabilities
    package var roles: [RoleName]
    package var suppressed: Set<RoleName> = []
    /// As the framework gave them; nil: none.
    package var offerConstraints: V1SchedulerOfferConstraints?
    /// The same and the offer filters, for the allocator.
    var wishes = OfferWishes()
    package var connection: Connection
    package var registeredAt: WallTime
    package var reregisteredAt: WallTime?
    package var unregisteredAt: WallTime?
    package var heartbeatTimer: UInt64 = 0
    /// Whether it was subscribed before, so that the next subscription counts as a return.
    var isKnownBefore = false
    /// Oldest first.
    package var completedTasks = RecentList<TaskRecord>()

    package init(id: FrameworkID, info: V1FrameworkInfo, connection: Connection, registeredAt: WallTime) {
        self.id = id
        self.info = info
        self.info.id = V1FrameworkID(id)
        capabilities = FrameworkCapabilities(info)
        roles = Self.roles(of: info)
        self.connection = connection
        self.registeredAt = registeredAt
    }

    /// The stream events go to, once it was told `SUBSCRIBED`.
    package var stream: StreamID? {
        if case .connected(let stream) = connection { return stream }
        return nil
    }

    package var isConnected: Bool { stream != nil }
    /// The registry knew it before anybody asks for it: it may be spoken of.
    package var isAnnounced: Bool { isKnownBefore }
    package var isRecovered: Bool {
        if case .recovered = connection { return true }
        return false
    }
    package var isLeaving: Bool {
        if case .leaving = connection { return true }
        return false
    }
    /// The stream, announced or not.
    package var openStream: StreamID? {
        switch connection {
        case .subscribing(let stream), .connected(let stream): stream
        case .leaving(let stream): stream
        case .disconnected, .recovered: nil
        }
    }
    package func can(_ capability: FrameworkCapabilities) -> Bool { capabilities.contains(capability) }
    package var isPartitionAware: Bool { can(.partitionAware) }
    package var isMultiRole: Bool { can(.multiRole) }

    package var failoverTimeout: Duration { .nanoseconds(Int64(max(0, min(info.failoverTimeout, 9.2e9)) * 1e9)) }

    /// Replaces the description, keeping what may not change on the way: the id, the user and the checkpoint flag.
    mutating func adopt(_ new: V1FrameworkInfo) {
        var merged = new
        merged.id = V1FrameworkID(id)
        merged.user = info.user
        merged.checkpoint = info.checkpoint
        info = merged
        capabilities = FrameworkCapabilities(merged)
        roles = Self.roles(of: merged)
    }

    /// The valid ones of the roles a description names. Without MULTI_ROLE there is exactly one, `*` by default.
    static func roles(of info: V1FrameworkInfo) -> [RoleName] {
        let names: [String]
        if FrameworkCapabilities(info).contains(.multiRole) {
            names = info.roles
        } else {
            names = [info.hasRole ? info.role : "*"]
        }
        return names.compactMap { try? RoleName($0) }.sorted()
    }
}

/// All frameworks, and the last few that are over.
package struct FrameworkBook: Sendable {
    private var frameworks: [FrameworkID: Framework] = [:]
    private var byStream: [StreamID: FrameworkID] = [:]
    /// Oldest first.
    private(set) var completed: [Framework] = []
    private let completedMax: Int
    private var journal: [Change]?

    package init(completedMax: Int) { self.completedMax = completedMax }

    package subscript(id: FrameworkID) -> Framework? { frameworks[id] }

    package func framework(on stream: StreamID) -> Framework? { byStream[stream].flatMap { frameworks[$0] } }

    package func id(on stream: StreamID) -> FrameworkID? { byStream[stream] }

    /// Sorted by id.
    package var all: [Framework] { frameworks.values.sorted { $0.id < $1.id } }

    package var count: Int { frameworks.count }

    /// Those with an open, announced stream, sorted by id.
    package var connected: [Framework] { all.filter(\.isConnected) }

    package func isCompleted(_ id: FrameworkID) -> Bool { completed.contains { $0.id == id } }

    mutating func put(_ framework: Framework) {
        let old = frameworks[framework.id]
        if let stream = old?.openStream { byStream[stream] = nil }
        frameworks[framework.id] = framework
        if journal != nil { note(framework, after: old.map(View.init)) }
        if let stream = framework.openStream { byStream[stream] = framework.id }
    }

    mutating func update(_ id: FrameworkID, _ change: (inout Framework) -> Void) {
        guard var framework = frameworks[id] else { return }
        // Emptied first, so that the change works on the only copy.
        let old = framework.openStream
        let view = journal == nil ? nil : View(framework)
        frameworks[id] = nil
        change(&framework)
        let new = framework.openStream
        if old != new {
            if let old { byStream[old] = nil }
            if let new { byStream[new] = id }
        }
        frameworks[id] = framework
        if let view { note(framework, after: view) }
    }

    /// Moves a framework to the completed list, which forgets its oldest entry when full.
    mutating func complete(_ id: FrameworkID, at time: WallTime) {
        guard var framework = frameworks.removeValue(forKey: id) else { return }
        if let stream = framework.openStream { byStream[stream] = nil }
        framework.unregisteredAt = time
        framework.connection = .leaving(nil)
        completed.append(framework)
        if completed.count > completedMax { completed.removeFirst(completed.count - completedMax) }
        if framework.isAnnounced {
            journal?.append(Change(kind: .removed, id: id, info: framework.info))
        }
    }

    // MARK: For those who watch

    /// A framework that became known, subscribed again or described itself anew, or is over.
    struct Change: Sendable {
        enum Kind: Equatable, Sendable { case added, updated, removed }

        var kind: Kind
        var id: FrameworkID
        var info: V1FrameworkInfo
    }

    /// What a change is told by.
    private struct View {
        var isAnnounced: Bool
        var stream: StreamID?
        var info: V1FrameworkInfo

        init(_ framework: Framework) {
            isAnnounced = framework.isAnnounced
            stream = framework.stream
            info = framework.info
        }
    }

    /// Starts or stops to record changes.
    mutating func keepJournal(_ isWanted: Bool) {
        if isWanted != (journal != nil) { journal = isWanted ? [] : nil }
    }

    /// The changes since the last call, in order, at most one addition or update for each framework.
    mutating func takeJournal() -> [Change] {
        guard let taken = journal else { return [] }
        journal = []
        return taken
    }

    private mutating func note(_ framework: Framework, after before: View?) {
        guard framework.isAnnounced else { return }
        let kind: Change.Kind
        if before?.isAnnounced != true {
            kind = .added
        } else if framework.stream != nil, before?.stream != framework.stream || before?.info != framework.info {
            kind = .updated
        } else {
            return
        }
        if journal?.contains(where: { $0.id == framework.id }) == true { return }
        journal?.append(Change(kind: kind, id: framework.id, info: framework.info))
    }

    // MARK: For readers

    /// Leaves out what a reader may not see. For copies that are shown, never for the book itself.
    mutating func leaveOut(
        where isHidden: (Framework) -> Bool, completedTasks isHiddenTask: (TaskRecord, Framework) -> Bool
    ) {
        frameworks = frameworks.filter { !isHidden($0.value) }
        completed.removeAll(where: isHidden)
        for (id, framework) in frameworks {
            frameworks[id]?.completedTasks.removeAll { isHiddenTask($0, framework) }
        }
        for (place, framework) in completed.enumerated() {
            completed[place].completedTasks.removeAll { isHiddenTask($0, framework) }
        }
    }
}
