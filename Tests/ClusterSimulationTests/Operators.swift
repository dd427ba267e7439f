// An operator who changes the cluster all through the storm, and keeps account of what was promised.

import Allocator
import MesosProtocol
import Resources
import SimKit

@testable import MiniAgent
@testable import MiniMaster

enum OperatorHappening {
    /// Time to want something, or to try again.
    case due(attempt: Int)
    case answered(attempt: Int, MasterAnswer)
    case disconnected(attempt: Int)
    /// The master takes too long.
    case patienceOver(attempt: Int)
}

/// One operator with one call at a time, repeated until somebody answers it: so it is known at any time what the
/// registry may say.
struct SimOperator {
    /// Not answered yet. It may have been carried out all the same.
    var intent: OperatorIntent?
    /// Counts calls, repetitions included.
    var attempt = 0
    var connection: Int?
    var master: Int?
    /// Calls that were answered with success.
    var fulfilledCount = 0
    /// Whether everything is as it has to be before the cluster is left alone.
    var hasTidiedUp = false
}

extension ClusterWorld {
    mutating func take(_ happening: OperatorHappening) {
        switch happening {
        case .due(let attempt):
            guard attempt == operators?.attempt else { return }
            let intent = operators?.intent ?? (isStormy ? wish() : chore())
            operators?.intent = intent
            guard intent != nil else { return comeBack(within: isStormy ? 200...2500 : 1000...1500) }
            sendCall()
        case .answered(let attempt, let answer):
            guard attempt == operators?.attempt else { return }
            hangUp()
            settle(answer)
        case .disconnected(let attempt):
            guard attempt == operators?.attempt else { return }
            operators?.connection = nil
            operators?.master = nil
            comeBack(within: 50...1500)
        case .patienceOver(let attempt):
            guard attempt == operators?.attempt else { return }
            hangUp()
            operators?.master = nil
            comeBack(within: 50...500)
        }
    }

    /// The next attempt, for which everything about the current one is over.
    private mutating func comeBack(within range: ClosedRange<Int>) {
        guard let attempt = operators?.attempt else { return }
        operators?.attempt = attempt + 1
        timeline.schedule(.operator(.due(attempt: attempt + 1)), after: side.milliseconds(range))
    }

    private mutating func hangUp() {
        guard let connection = operators?.connection else { return }
        operators?.connection = nil
        close(connection, by: .client)
    }

    private mutating func sendCall() {
        guard let intent = operators?.intent, let attempt = operators?.attempt else { return }
        // Often a master that does not lead, which sends us on.
        let known = operators?.master ?? Int.random(in: masters.indices, using: &side)
        guard let number = connect(.operator(attempt: attempt), toMaster: known) else {
            operators?.master = nil
            return comeBack(within: 100...1000)
        }
        if case .unreserve(let id, _) = intent { operationLedger.unreservesWanted[id, default: 0] += 1 }
        history.add("\(timeline.nanoseconds / 1_000_000) operator asks master-\(known): \(intent)")
        operators?.connection = number
        send(.operatorCall(intent.call), on: number, to: .master)
        timeline.schedule(.operator(.patienceOver(attempt: attempt)), after: .seconds(12))
    }

    private mutating func settle(_ answer: MasterAnswer) {
        guard let intent = operators?.intent else { return }
        history.add("\(timeline.nanoseconds / 1_000_000) operator is answered \(answer)")
        switch answer {
        case .done, .accepted:
            operators?.intent = nil
            operators?.fulfilledCount += 1
            comeBack(within: 100...2500)
        case .redirected(let leader):
            operators?.master = masters.firstIndex { $0.info.hostname == leader.hostname }
            comeBack(within: 1...100)
        case .refused(let status, let reason):
            if status != 503 {
                if !isRefusalPlausible(of: intent, status) {
                    fail("the operator is refused '\(intent)' with \(status): \(reason)")
                }
                operators?.intent = nil
            }
            if status == 503 { operators?.master = nil }
            comeBack(within: 200...2000)
        case .stream, .link, .operatorStream: fail("the operator's '\(intent)' is answered with a stream")
        }
    }

    /// An attempt whose answer was lost may have been carried out, and a second one is then refused.
    private func isRefusalPlausible(of intent: OperatorIntent, _ status: Int) -> Bool {
        switch intent {
        // Nothing of the world stands against these.
        case .weight, .quota: false
        case .schedule, .machineDown, .machineUp, .deactivate, .drain, .reactivate, .gone, .teardown, .reserve,
            .unreserve:
            status == 400 || status == 404 || status == 409
        }
    }

    // MARK: Wishes

    /// Something to want during the storm; nil for nothing just now.
    private mutating func wish() -> OperatorIntent? {
        let host = Int.random(in: agents.indices, using: &side)
        let role = "role-\(Int.random(in: frameworks.indices, using: &side))"
        let ids = Set(agents.compactMap(\.disk.agent)).union(zooKeeper.store.standings.keys).sorted()
        let agent = ids.isEmpty ? nil : side.pick(ids)
        switch Int.random(in: 0..<100, using: &side) {
        case 0..<8: return .weight(role, [0.5, 1, 2, 3.5][Int.random(in: 0..<4, using: &side)])
        case 8..<12: return agent.map { .reserve($0, role) }
        case 12..<15:
            return unreserveWish()
        case 15..<32: return quotaWish(role)
        case 32..<44:
            // Machines that are down must stay in the schedule.
            var hosts = downHosts
            for index in agents.indices where !hosts.contains(index) && side.chance(40) { hosts.append(index) }
            return .schedule(hosts.isEmpty ? [] : hosts.count > 1 && side.chance(50) ? hosts.map { [$0] } : [hosts])
        case 44..<52: return .machineDown(host)
        case 52..<60: return downHosts.first.map { .machineUp($0) }
        case 60..<66: return agent.map { .deactivate($0) }
        case 66..<76:
            let marksGone = side.chance(25)
            let grace = side.chance(50) ? Int64.random(in: 0...2, using: &side) : nil
            return agent.map { .drain($0, marksGone: marksGone, grace: grace) }
        case 76..<90:
            let standing = zooKeeper.store.standings.keys.sorted()
            return standing.isEmpty ? nil : .reactivate(side.pick(standing))
        case 90..<96: return agent.map { .gone($0) }
        default:
            guard let mortal = frameworks.first(where: { $0.isMortal && $0.id != nil }), let id = mortal.id else {
                return nil
            }
            return .teardown(id)
        }
    }

    private mutating func quotaWish(_ role: String) -> OperatorIntent {
        switch Int.random(in: 0..<4, using: &side) {
        case 0: .quota(role, guarantee: nil, limit: nil)
        case 1: .quota(role, guarantee: nil, limit: Double(Int.random(in: 0...4, using: &side)))
        case 2: .quota(role, guarantee: Double(Int.random(in: 1...6, using: &side)), limit: nil)
        default: .quota(role, guarantee: 1, limit: Double(Int.random(in: 1...4, using: &side)))
        }
    }

    /// To give up what is reserved on some agent; its volumes stay.
    private func unreserveWish() -> OperatorIntent? {
        for host in agents {
            let reserved = host.disk.resources.converted
            let plain = reserved.without(reserved.volumes)
            if !plain.isEmpty, let id = host.disk.agent { return .unreserve(id, plain) }
        }
        return nil
    }

    var downHosts: [Int] {
        agents.indices.filter { zooKeeper.store.downMachines.contains(Machine(OperatorIntent.machine($0))) }
    }

    /// What keeps the cluster from being as frameworks need it, one after the other; nil when nothing does.
    private mutating func chore() -> OperatorIntent? {
        let store = zooKeeper.store
        if let host = downHosts.first { return .machineUp(host) }
        for (id, standing) in store.standings.sorted(by: { $0.key < $1.key }) where !standing.isDraining {
            // Nobody waits for an agent that will not come back.
            if agents.contains(where: { $0.disk.agent == id }) { return .reactivate(id) }
        }
        for (role, quota) in store.quotas.sorted(by: { $0.key < $1.key }) {
            // One CPU for each role is what every framework needs to get through, and what there always is.
            if quota != Quota(guarantees: ["cpus": Scalar(milli: 1000)]) {
                return .quota(role.value, guarantee: side.chance(50) ? 1 : nil, limit: nil)
            }
        }
        if let wish = unreserveWish() { return wish }
        let hasTidiedUp = store.standings.keys.allSatisfy { id in !agents.contains { $0.disk.agent == id } }
        operators?.hasTidiedUp = hasTidiedUp
        return nil
    }
}
