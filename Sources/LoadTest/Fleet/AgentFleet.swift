// A fleet of simulated agents on one thread: real connections to a real master, next to nothing else.
import CLinux
import Glibc
import Mailbox
import MesosProtocol
import Resources

/// Simulated agents that register with a master, hold their links, answer its pings, and follow to the next leader.
///
/// Each agent is one HTTP connection, as a real agent's is; pings are answered over a few connections that all agents
/// share. One thread serves them all, so that on a small machine most of the time goes to the master.
public final class AgentFleet: Sendable {
    enum Order: Sendable {
        case follow(MasterAddress?)
        case loadTasks(@Sendable () -> Void)
        case stop(@Sendable () -> Void)
    }

    private let orders = Locked<[Order]>([])
    private let wakeUp: Int32
    private let figuresNow = Locked(FleetFigures())
    public let plan: FleetPlan

    /// - Throws: ``LoadTestError`` if the host has no descriptors for it.
    public init(_ plan: FleetPlan) throws(LoadTestError) {
        self.plan = plan
        var soft: UInt64 = 0
        _ = clinux_raise_open_files(&soft)
        guard soft > UInt64(plan.agents + 100) else {
            throw .host("\(plan.agents) agents need as many open files, and this host allows \(soft) a process")
        }
        wakeUp = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        let poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard wakeUp >= 0, poll >= 0 else { throw .host("no epoll: \(String(cString: strerror(errno)))") }
        DedicatedThread.start(named: "fleet") { [plan, wakeUp, figuresNow, orders] in
            var loop = FleetLoop(plan: plan, poll: poll, wakeUp: wakeUp, figures: figuresNow, orders: orders)
            loop.run()
            close(poll)
        }
    }

    deinit { close(wakeUp) }

    public var figures: FleetFigures { figuresNow.withLock { $0 } }

    /// Turns every agent to a leader; `nil` when nobody leads: links are kept until the master breaks them.
    public func follow(_ master: MasterAddress?) { order(.follow(master)) }

    /// Gives every registered agent the tasks of the plan, to be told at its next registration.
    public func loadTasks() async {
        await withCheckedContinuation { continuation in order(.loadTasks { continuation.resume() }) }
    }

    /// Breaks all links and ends the thread.
    public func stop() async {
        await withCheckedContinuation { continuation in order(.stop { continuation.resume() }) }
    }

    private func order(_ order: Order) {
        orders.withLock { $0.append(order) }
        eventfd_write(wakeUp, 1)
    }
}

/// Why a load test could not be carried out.
public enum LoadTestError: Error, CustomStringConvertible {
    case host(String)
    case notInTime(String)
    case invalid(String)
    case master(String)

    public var description: String {
        switch self {
        case .host(let reason), .notInTime(let reason), .invalid(let reason), .master(let reason): reason
        }
    }
}

/// Seconds of the clock that all processes of this host share.
public enum MonotonicClock {
    public static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
