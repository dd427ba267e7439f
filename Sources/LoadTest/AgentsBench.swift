// `mini bench agents`: a fleet registers, its leader is killed, and it registers again, with tasks; all timed.
import Foundation
import DevCluster
import Logging
import MasterDetection
import MesosProtocol

/// What to measure.
public struct AgentsBenchOptions: Sendable {
    public var fleet: FleetPlan
    /// Processes that share the fleet.
    public var processes = 1
    /// An existing master; `nil` starts masters of its own, which it may kill.
    public var master: MasterLocation?
    /// Of its own: 1 keeps its registry in a file, 3 elect their leader in an ensemble of three ZooKeeper servers.
    public var masters = 1
    /// How long to hold the links at the end: pings must be answered meanwhile.
    public var hold = Duration.zero
    /// How long all agents together may take to register.
    public var limit = Duration.seconds(120)
    /// The `mini` executable.
    public var executable: String

    public init(fleet: FleetPlan, executable: String) {
        self.fleet = fleet
        self.executable = executable
    }
}

public struct AgentsBench: Sendable {
    private let options: AgentsBenchOptions
    private let report: @Sendable (String) -> Void

    /// - Parameter report: Called with each line of the result.
    public init(_ options: AgentsBenchOptions, report: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.report = report
    }

    /// - Throws: ``LoadTestError`` or `ClusterError`, the first that makes the measurement pointless.
    public func run() async throws {
        let fleet = try await Fleet.start(options)
        do {
            if let master = options.master {
                try await attend(master, fleet)
            } else {
                try await ownCluster(fleet)
            }
        } catch {
            await fleet.stop()
            throw error
        }
        await fleet.stop()
    }

    // MARK: Somebody else's masters

    private func attend(_ location: MasterLocation, _ fleet: Fleet) async throws {
        let detector = MasterDetector(
            location: location, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let following = Task {
            for await master in detector.masters {
                fleet.follow(master.flatMap { MasterAddress(url: $0.baseURL) })
            }
        }
        defer { following.cancel() }
        let figures = try await fleet.waitUntilComplete(leaders: 1, within: options.limit)
        show("registered", figures)
        if let master = detector.current.flatMap({ MasterAddress(url: $0.baseURL) }) {
            try await documents(master, pid: nil)
        }
        await hold(fleet)
        await detector.stop()
    }

    // MARK: Masters of our own

    private func ownCluster(_ fleet: Fleet) async throws {
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: options.masters, agents: 0, containerizer: .process, basePort: 0,
                executable: options.executable),
            report: report)
        do {
            try await measure(cluster, fleet)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func measure(_ cluster: DevCluster, _ fleet: Fleet) async throws {
        let plan = options.fleet
        var leader = try await Self.leader(of: cluster, among: cluster.masters)
        let idle = ProcessMemory.of(leader.process.pid)
        report("idle master: \(Self.memory(idle))")

        fleet.follow(leader.address)
        let first = try await fleet.waitUntilComplete(leaders: 1, within: options.limit)
        show("registered, without tasks", first, pid: leader.process.pid)
        report("leader: \(Self.memory(ProcessMemory.of(leader.process.pid)))")
        await fleet.loadTasks()

        let killedAt = MonotonicClock.seconds
        leader.process.kill()
        await leader.process.waitForEnd()
        fleet.follow(nil)
        if options.masters == 1 { try await leader.process.start() }
        leader = try await Self.leader(of: cluster, among: cluster.masters)
        report(String(format: "leader killed; the next one serves after %.3f s", MonotonicClock.seconds - killedAt))
        ProcessMemory.resetPeak(of: leader.process.pid)
        let before = ProcessMemory.of(leader.process.pid)
        let processor = ProcessMemory.processorSeconds(of: leader.process.pid)
        fleet.follow(leader.address)
        let figures = try await fleet.waitUntilComplete(leaders: 2, within: options.limit)
        show("re-registered with \(plan.tasks) tasks", figures, pid: leader.process.pid, since: processor)
        let after = ProcessMemory.of(leader.process.pid)
        report("leader: \(Self.memory(after))")
        if let before, let after {
            let growth = after.resident - before.resident
            report("growth: \(Self.mebibytes(growth)), \(growth / max(1, plan.agents)) bytes an agent")
        }
        try await documents(leader.address, pid: leader.process.pid)
        await hold(fleet)
        report("leader at the end: \(Self.memory(ProcessMemory.of(leader.process.pid)))")
    }

    struct Leader {
        var process: ClusterProcess
        var address: MasterAddress
    }

    /// Waits for a master that answers for the cluster.
    static func leader(of cluster: DevCluster, among masters: [ClusterProcess]) async throws -> Leader {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            for process in masters {
                guard let address = MasterAddress(url: process.url),
                    let answer = try? await StateProbe.get("/master/state-summary", from: address, within: .seconds(5)),
                    answer.status == 200
                else { continue }
                return Leader(process: process, address: address)
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw LoadTestError.notInTime("no master leads")
    }

    // MARK: Measuring

    private func documents(_ master: MasterAddress, pid: Int32?) async throws {
        let processor = pid.map(ProcessMemory.processorSeconds) ?? 0
        var times: [Double] = []
        var last: ProbeAnswer?
        for _ in 0..<5 {
            let answer = try await StateProbe.get("/master/state", from: master)
            times.append(answer.seconds)
            last = answer
        }
        guard let last else { return }
        report(
            String(
                format: "/master/state: %d, %.1f MB in %.3f s (first byte %.3f s; of 5: %@)", last.status,
                Double(last.bodyBytes) / 1e6, times.sorted()[2], last.firstByteSeconds,
                times.map { String(format: "%.3f", $0) }.joined(separator: " "))
                + (pid.map {
                    String(
                        format: "; processor time of the master %.2f s each",
                        (ProcessMemory.processorSeconds(of: $0) - processor) / 5)
                } ?? ""))
        if let etag = last.etag {
            var quick: [Double] = []
            var status = 0
            for _ in 0..<5 {
                let answer = try await StateProbe.get("/master/state", from: master, etag: etag)
                quick.append(answer.seconds)
                status = answer.status
            }
            report(String(format: "/master/state by its ETag: %d in %.4f s", status, quick.sorted()[2]))
        } else {
            report("/master/state has no ETag")
        }
        let summary = try await StateProbe.get("/master/state-summary", from: master)
        report(
            String(
                format: "/master/state-summary: %.1f MB in %.3f s", Double(summary.bodyBytes) / 1e6, summary.seconds))
        if let pid { report("leader after the documents: \(Self.memory(ProcessMemory.of(pid)))") }
    }

    private func hold(_ fleet: Fleet) async {
        guard options.hold > .zero else { return }
        try? await Task.sleep(for: options.hold)
        let figures = fleet.figures
        report(
            "held for \(options.hold): \(figures.registered) agents registered, \(figures.pingsAnswered) pings answered, "
                + "\(figures.brokenLinks) links broken, \(figures.refusals) refusals")
    }

    /// - Parameter since: The leader's processor time at the start.
    private func show(_ what: String, _ figures: FleetFigures, pid: Int32? = nil, since: Double = 0) {
        let seconds = figures.completeAt - figures.turnedAt
        report(
            String(
                format: "%@: %d agents in %.3f s; %d retries, %d refusals, %d broken links", what, options.fleet.agents,
                seconds, figures.retries, figures.refusals, figures.brokenLinks)
                + (pid.map {
                    String(
                        format: "; processor time of the master %.2f s", ProcessMemory.processorSeconds(of: $0) - since)
                } ?? "") + (figures.lastFault.isEmpty ? "" : "; last fault: \(figures.lastFault)"))
    }

    private static func memory(_ memory: ProcessMemory?) -> String {
        guard let memory else { return "memory unknown" }
        return "\(mebibytes(memory.resident)) resident (\(mebibytes(memory.anonymous)) of it anonymous), "
            + "peak \(mebibytes(memory.peak))"
    }

    private static func mebibytes(_ bytes: Int) -> String { String(format: "%.1f MiB", Double(bytes) / 1_048_576) }
}
