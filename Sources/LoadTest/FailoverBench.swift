// `mini bench failover`: leaders are killed, and the time is taken until the next one makes an offer.
import DevCluster
import Foundation
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient
import ZooKeeper

public struct FailoverBenchOptions: Sendable {
    public var fleet: FleetPlan
    /// How many leaders to kill.
    public var runs: Int
    /// How long the ensemble waits for a silent master: what passes before anybody can know of a killed one.
    public var sessionTimeout: Duration
    public var executable: String

    public init(fleet: FleetPlan, runs: Int, sessionTimeout: Duration, executable: String) {
        self.fleet = fleet
        self.runs = runs
        self.sessionTimeout = sessionTimeout
        self.executable = executable
    }
}

/// One change of leader; seconds of the monotonic clock.
struct FailoverRun: Hashable, Sendable {
    var killed = 0.0
    /// The ensemble told a watcher that the leader's znode is gone.
    var vanished = 0.0
    /// This program's own detector named the next leader.
    var detected = 0.0
    var subscribed = 0.0
    var offered = 0.0
    /// All agents were registered.
    var complete = 0.0
}

public struct FailoverBench: Sendable {
    private let options: FailoverBenchOptions
    private let report: @Sendable (String) -> Void
    private static let silent = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
    private static let patience = Duration.seconds(60)

    public init(_ options: FailoverBenchOptions, report: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.report = report
    }

    /// - Throws: The first thing that makes the measurement pointless.
    public func run() async throws {
        guard options.runs > 0 else { throw LoadTestError.invalid("--runs must be at least 1") }
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: 3, agents: 0, containerizer: .process, basePort: 0, executable: options.executable,
                sessionTimeout: options.sessionTimeout),
            report: report)
        do {
            try await measure(cluster)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func measure(_ cluster: DevCluster) async throws {
        guard let text = cluster.zooKeeperURL else { throw LoadTestError.host("the cluster has no ZooKeeper") }
        let url = try ZooKeeperURL.parse(text)
        let floor = try await ZooKeeperFloor.measure(url)
        let fleet = try AgentFleet(options.fleet)
        let detector = MasterDetector(location: .zooKeeper(url), logger: Self.silent)
        let moments = Locked(FailoverRun())
        let following = Task {
            for await master in detector.masters {
                if master != nil { moments.withLock { if $0.detected == 0 { $0.detected = MonotonicClock.seconds } } }
                fleet.follow(master.flatMap { MasterAddress(url: $0.baseURL) })
            }
        }
        let framework = Self.framework(url)
        let running = Task { await framework.run() }
        let hearing = Task { await Self.hear(framework, moments) }
        let watcher = try await ElectionWatcher.start(url)
        var runs: [FailoverRun] = []
        var failure: (any Error)?
        do {
            for number in 1...options.runs {
                let run = try await once(cluster, fleet, moments, watcher)
                report(Self.line(number, run))
                runs.append(run)
            }
        } catch { failure = error }
        framework.stop()
        await running.value
        hearing.cancel()
        following.cancel()
        await detector.stop()
        await fleet.stop()
        await watcher.stop()
        if let failure { throw failure }
        summarize(runs, floor)
    }

    /// Declines nothing and launches nothing: offers come as soon as agents do.
    private static func framework(_ url: ZooKeeperURL) -> SchedulerClient {
        var info = V1FrameworkInfo()
        info.user = "nobody"
        info.name = "failover bench"
        info.failoverTimeout = 3_600
        info.roles = ["bench"]
        var capability = V1FrameworkInfo.Capability()
        capability.type = .multiRole
        info.capabilities = [capability]
        return SchedulerClient(.init(master: .zooKeeper(url), framework: info), logger: silent)
    }

    private static func hear(_ framework: SchedulerClient, _ moments: Locked<FailoverRun>) async {
        for await event in framework.events {
            let now = MonotonicClock.seconds
            switch event {
            case .subscribed: moments.withLock { if $0.subscribed == 0 { $0.subscribed = now } }
            case .event(let event) where event.type == .offers:
                moments.withLock { if $0.subscribed > 0, $0.offered == 0 { $0.offered = now } }
            case .event, .disconnected, .refused: break
            }
        }
    }

    // MARK: One change

    private func once(
        _ cluster: DevCluster, _ fleet: AgentFleet, _ moments: Locked<FailoverRun>, _ watcher: ElectionWatcher
    ) async throws -> FailoverRun {
        // All three are members, agents and framework are where they belong.
        try await until("the cluster is complete") {
            guard fleet.figures.completeAt > 0, moments.withLock({ $0.offered > 0 }) else { return false }
            return await watcher.members().count == 3
        }
        try await Task.sleep(for: .milliseconds(500))
        let leaderURL = await cluster.leaderURL()
        guard let leader = cluster.masters.first(where: { $0.url == leaderURL }) else {
            throw LoadTestError.master("no master leads")
        }
        let leaders = fleet.figures.leaders
        moments.withLock { $0 = FailoverRun() }
        watcher.arm()
        let killed = MonotonicClock.seconds
        leader.kill()
        try await until("the next leader has made an offer") {
            fleet.figures.leaders > leaders && fleet.figures.completeAt > 0 && moments.withLock { $0.offered > 0 }
        }
        var run = moments.withLock { $0 }
        run.killed = killed
        run.complete = fleet.figures.completeAt
        guard let vanished = watcher.vanishedAt else { throw LoadTestError.host("no watch told of the lost leader") }
        run.vanished = vanished
        await leader.waitForEnd()
        try await leader.start()
        return run
    }

    private func until(_ what: String, _ condition: () async -> Bool) async throws {
        let end = ContinuousClock.now + Self.patience
        while await !condition() {
            guard ContinuousClock.now < end else { throw LoadTestError.notInTime("waited too long until \(what)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: Results

    private static func milliseconds(_ seconds: Double) -> String { String(format: "%.0f", seconds * 1_000) }

    private static func line(_ number: Int, _ run: FailoverRun) -> String {
        "run \(number): znode gone \(milliseconds(run.vanished - run.killed)) ms after the kill; from then: detected "
            + "\(milliseconds(run.detected - run.vanished)), framework subscribed "
            + "\(milliseconds(run.subscribed - run.vanished)), first offer "
            + "\(milliseconds(run.offered - run.vanished)), all agents "
            + "\(milliseconds(run.complete - run.vanished)) ms"
    }

    private func summarize(_ runs: [FailoverRun], _ floor: ZooKeeperFloor) {
        func row(_ name: String, _ value: (FailoverRun) -> Double) {
            let sorted = runs.map(value).sorted()
            let name = name.padding(toLength: 46, withPad: " ", startingAt: 0)
            report(
                "\(name) min \(Self.milliseconds(sorted[0])), median \(Self.milliseconds(sorted[sorted.count / 2])), "
                    + "max \(Self.milliseconds(sorted[sorted.count - 1])) ms")
        }
        report("\(runs.count) changes of leader, 3 masters, 3 ZooKeeper servers, \(options.fleet.agents) agents")
        row("znode gone -> first offer") { $0.offered - $0.vanished }
        row("  of it: until the leader is detected") { $0.detected - $0.vanished }
        row("  of it: until the framework is subscribed") { $0.subscribed - $0.detected }
        row("  of it: until the first offer") { $0.offered - $0.subscribed }
        row("znode gone -> all agents registered") { $0.complete - $0.vanished }
        row("ZooKeeper: kill -> znode gone") { $0.vanished - $0.killed }
        report(floor.description)
    }
}

/// Watches the election directory for the leader's disappearance.
private final class ElectionWatcher: Sendable {
    private struct State {
        var names: [String] = []
        var leader: String?
        var vanishedAt: Double?
    }

    private let session: ZooKeeperSession
    private let path: String
    private let state = Locked(State())
    private let fired = Mailbox<Double>()
    private let loop = Locked<Task<Void, Never>?>(nil)

    private init(_ session: ZooKeeperSession, path: String) {
        self.session = session
        self.path = path
    }

    static func start(_ url: ZooKeeperURL) async throws -> ElectionWatcher {
        let session = try await ZooKeeperSession.open(servers: url.servers, timeout: .seconds(10))
        let watcher = ElectionWatcher(session, path: url.path)
        let loop = Task { await watcher.watch() }
        watcher.loop.withLock { $0 = loop }
        return watcher
    }

    /// The moment of an event is taken on the library's thread; which znode it was shows in the list that is read next.
    private func watch() async {
        fired.send(MonotonicClock.seconds)
        while true {
            guard let moment = await fired.next().first else { return }
            guard
                let names = try? await session.children(
                    path, watch: { [fired] _ in fired.send(MonotonicClock.seconds) })
            else {
                try? await Task.sleep(for: .milliseconds(100))
                fired.send(MonotonicClock.seconds)
                continue
            }
            state.withLock { state in
                state.names = names
                if let leader = state.leader, state.vanishedAt == nil, !names.contains(leader) {
                    state.vanishedAt = moment
                }
            }
        }
    }

    func members() async -> [ElectionMember] { ElectionMember.members(among: state.withLock { $0.names }) }

    /// From now on waits for the present leader's end.
    func arm() {
        state.withLock { state in
            state.leader = ElectionMember.leader(among: state.names)?.name
            state.vanishedAt = nil
        }
    }

    var vanishedAt: Double? { state.withLock { $0.vanishedAt } }

    func stop() async {
        fired.finish()
        await loop.withLock { $0 }?.value
        await session.close()
    }
}
