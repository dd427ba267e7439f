// A campaign: fault after fault by seed, with the cluster's promises looked at from the outside all the while.

import Foundation
import HTTPClient
import IntegrationSupport
import Mailbox
import MesosProtocol
import Resources

/// What came of one fault.
struct FaultOutcome: Sendable {
    var fault: Fault
    var details: String
    /// From the end of the fault until both frameworks had launched and finished something new on a complete cluster.
    var recovery: Duration
}

struct CampaignResult: Sendable {
    var seed: UInt64
    var outcomes: [FaultOutcome] = []
    var violations: [String] = []
    var tasks = 0
    var ends: [V1TaskState: Int] = [:]
}

/// Runs one campaign against a cluster of its own.
struct Campaign {
    let seed: UInt64
    let faults: Int
    /// Whether some faults may last a minute.
    let minuteAllowed: Bool
    static let recoveryMax = Duration.seconds(90)

    func run(report: (String) -> Void) async throws -> CampaignResult {
        let cluster = try await ChaosCluster.start()
        do {
            let result = try await run(cluster, report)
            await cluster.remove()
            return result
        } catch {
            for victim in cluster.victims { report("== \(victim.name)\n\(victim.lastLines)") }
            await cluster.remove()
            throw error
        }
    }

    private func run(_ cluster: ChaosCluster, _ report: (String) -> Void) async throws -> CampaignResult {
        let runs = "\(cluster.directory)/runs"
        try FileManager.default.createDirectory(atPath: runs, withIntermediateDirectories: true)
        let frameworks = [
            ChaosFramework(name: "aware", location: cluster.location, runs: runs, isPartitionAware: true),
            ChaosFramework(name: "plain", location: cluster.location, runs: runs, isPartitionAware: false),
        ]
        for framework in frameworks { try framework.start() }
        let watch = LeaderWatch(cluster)
        let watching = Task { await watch.run() }
        var result = CampaignResult(seed: seed)
        var promises = OperatorPromises(cluster)
        var random = SplitMix64(seed: seed)
        var order = FaultOrder(seed: seed)
        try await recovered(cluster, frameworks, since: .now, "the cluster works before the first fault")

        var attempts = 0
        // A fault that finds nobody to strike is not counted.
        while result.outcomes.count < faults, attempts < 2 * faults {
            attempts += 1
            let number = result.outcomes.count + 1
            await promises.change(to: 1 + attempts % 7)
            let fault = order.next()
            var work = FaultWork(
                cluster: cluster, frameworks: frameworks, random: SplitMix64(seed: random.next()),
                minuteAllowed: minuteAllowed)
            guard let details = try await work.perform(fault) else { continue }
            let healed = ContinuousClock.now
            for master in cluster.masters { master.restoreRoads() }
            try await recovered(
                cluster, frameworks, since: healed, "the cluster works again after: \(fault.rawValue) (\(details))")
            let recovery = ContinuousClock.now - healed
            result.outcomes.append(FaultOutcome(fault: fault, details: details, recovery: recovery))
            result.violations += await promises.broken()
            for victim in cluster.victims {
                if let end = victim.unexpectedEnd {
                    result.violations.append("\(victim.name) \(end) by itself: \(victim.lastLines)")
                    try await victim.start()
                }
            }
            report("\(number)/\(faults) \(fault.rawValue) (\(details)): working again after \(recovery)")
        }
        try await settle(cluster, frameworks)
        watch.stop()
        await watching.value
        result.violations += watch.violations
        for framework in frameworks { judge(framework, &result) }
        result.violations += await unreturnedResources(cluster)
        for framework in frameworks { await framework.teardown() }
        return result
    }

    /// Waits until a leader has all agents and each framework has launched and finished something since `moment`.
    private func recovered(
        _ cluster: ChaosCluster, _ frameworks: [ChaosFramework], since moment: ContinuousClock.Instant, _ what: String
    ) async throws {
        var nextLook = ContinuousClock.now + .seconds(5)
        try await eventually(what, within: Self.recoveryMax) {
            if ContinuousClock.now > nextLook {
                // What was asked of a leader that is gone is asked again, as every framework should.
                for framework in frameworks { framework.reconcile() }
                nextLook = .now + .seconds(5)
            }
            guard frameworks.allSatisfy({ $0.finished(launchedAfter: moment) > 0 }) else { return false }
            return await cluster.isComplete()
        }
    }

    /// Lets everything that was launched come to its end.
    private func settle(_ cluster: ChaosCluster, _ frameworks: [ChaosFramework]) async throws {
        for framework in frameworks { framework.stopLaunching() }
        var nextLook = ContinuousClock.now
        try await eventually(
            "every task has an end: \(frameworks.map { "\($0.name) \($0.openCount)" })", within: Self.recoveryMax
        ) {
            if ContinuousClock.now > nextLook {
                for framework in frameworks { framework.reconcile() }
                nextLook = .now + .seconds(3)
            }
            return frameworks.allSatisfy { $0.openCount == 0 }
        }
    }

    /// Each task: one end, and its command ran as often as that end says.
    private func judge(_ framework: ChaosFramework, _ result: inout CampaignResult) {
        for (id, account) in framework.accounts.sorted(by: { $0.key < $1.key }) {
            result.tasks += 1
            if let end = account.end { result.ends[end, default: 0] += 1 }
            let content = FileManager.default.contents(atPath: framework.runsFile(of: id)) ?? Data()
            let runs = content.count { $0 == UInt8(ascii: "\n") }
            var complaints: [String] = []
            if runs > 1 { complaints.append("ran \(runs) times") }
            if account.end == .taskFinished, runs != 1 { complaints.append("finished, but ran \(runs) times") }
            if account.end == .taskUnknown || account.end == .taskDropped, runs != 0 {
                complaints.append("is \(account.end.map { "\($0)" } ?? "") but ran")
            }
            if account.agentEnds.count > 1 { complaints.append("has the ends \(account.agentEnds)") }
            if account.end == .taskFailed || account.end == .taskKilled {
                complaints.append("ended as \(account.end.map { "\($0)" } ?? "")")
            }
            for complaint in complaints {
                result.violations.append("task \(id) \(complaint); it was told \(account.told)")
            }
        }
    }

    private func unreturnedResources(_ cluster: ChaosCluster) async -> [String] {
        var last = "no leader"
        for _ in 0..<100 {
            for master in cluster.masters {
                guard let summary = await ChaosCluster.summary(of: master) else { continue }
                let holding = summary.slaves.filter { $0.used != .init(cpus: 0, mem: 0) }
                if holding.isEmpty { return [] }
                last = holding.map { "agent \($0.id) still uses \($0.used)" }.joined(separator: "; ")
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
        return [last]
    }
}

/// Every fault comes once before one comes again, in an order drawn from the seed.
struct FaultOrder {
    private var random: SplitMix64
    private var rest: [Fault] = []

    init(seed: UInt64) { random = SplitMix64(seed: seed ^ 0x5eed) }

    mutating func next() -> Fault {
        if rest.isEmpty { rest = Fault.allCases.shuffled(using: &random) }
        return rest.removeLast()
    }
}

/// What the masters acknowledged to an operator must stay.
struct OperatorPromises {
    private let cluster: ChaosCluster
    /// The weight that was acknowledged last, and those whose fate is unknown since.
    private var possible: Set<Int> = []

    init(_ cluster: ChaosCluster) { self.cluster = cluster }

    /// Asks for a weight; the answer decides what may be found later.
    mutating func change(to weight: Int) async {
        guard let leader = await cluster.leader() else { return }
        let body = "[{\"role\":\"promised\",\"weight\":\(weight)}]"
        guard let reply = await ChaosCluster.ask(leader, "PUT", "/master/weights", body: body) else {
            possible.insert(weight)
            return
        }
        if reply.status == 200 { possible = [weight] } else if reply.status >= 500 { possible.insert(weight) }
    }

    func broken() async -> [String] {
        guard !possible.isEmpty, let leader = await cluster.leader(),
            let reply = await ChaosCluster.ask(leader, "GET", "/master/weights"), reply.status == 200
        else { return [] }
        struct Entry: Decodable {
            var role: String
            var weight: Double
        }
        let entries = (try? JSONDecoder().decode([Entry].self, from: Data(reply.body))) ?? []
        // A weight of 1 is the default and is not listed.
        let found = Int(entries.first { $0.role == "promised" }?.weight ?? 1)
        return possible.contains(found) ? [] : ["the weight is \(found), acknowledged was \(possible.sorted())"]
    }
}
