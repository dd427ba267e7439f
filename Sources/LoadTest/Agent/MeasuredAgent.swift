// A master, an agent and a framework: what the measurements of an agent are made with.
import DevCluster
import Foundation
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import SchedulerClient

/// What a task does.
enum TaskWork: Hashable, Sendable {
    /// A line for the shell, as a plain process.
    case command(String)
    case container(String, [String])
}

/// Moments in the life of a task, in seconds of the monotonic clock; zero until they come.
struct TaskTimes: Hashable, Sendable {
    /// The ACCEPT was handed to the client.
    var accepted = 0.0
    /// The framework heard of TASK_RUNNING.
    var running = 0.0
    /// The framework heard of a terminal state.
    var ended = 0.0
    var isFinished = false
    var message = ""
}

/// An agent under measurement, and the framework that gives it work.
final class MeasuredAgent: Sendable {
    private struct State {
        /// Everything that is on offer: what an ended task held is offered apart from the rest.
        var offers: [V1Offer] = []
        var tasks: [TaskID: TaskTimes] = [:]
        /// Ended tasks, counted for those who wait for many.
        var ended = 0
        var running = 0
    }

    private static let patience = Duration.seconds(120)

    private let cluster: DevCluster
    private let process: LoggedProcess
    private let client: SchedulerClient
    private let role: RoleName
    private let state = Locked(State())
    /// Something changed in `state`.
    private let changes = Mailbox<Void>()
    private let work = Locked<[Task<Void, Never>]>([])

    private init(_ cluster: DevCluster, _ process: LoggedProcess, _ client: SchedulerClient, _ role: RoleName) {
        self.role = role
        self.cluster = cluster
        self.process = process
        self.client = client
    }

    static func start(_ options: AgentBenchOptions) async throws -> MeasuredAgent {
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: 1, agents: 0, containerizer: .process, basePort: 0, executable: options.executable,
                dockerSocket: options.dockerSocket))
        do {
            guard let url = await cluster.leaderURL(), url.hasPrefix("http://") else {
                throw LoadTestError.master("no master leads")
            }
            let address = String(url.dropFirst("http://".count))
            let process = try await cluster.launch(
                name: "agent",
                arguments: [
                    "agent", "--etc_dir=", "--master=\(address)", "--ip=127.0.0.1", "--port=0",
                    "--hostname=127.0.0.1", "--work_dir=\(cluster.directory)/agent",
                    "--containerizers=docker,process", "--docker_socket=\(options.dockerSocket)",
                    "--resources=cpus:100000;mem:100000000;disk:100000000", "--registration_backoff_factor=10ms",
                    "--docker_remove_delay=1hrs",
                ])
            let agent = MeasuredAgent(cluster, process, try client(master: address), try RoleName("bench"))
            agent.begin()
            try await agent.until("the agent's resources are offered") { !$0.offers.isEmpty }
            return agent
        } catch {
            await cluster.stop()
            throw error
        }
    }

    private static func client(master: String) throws -> SchedulerClient {
        var info = V1FrameworkInfo()
        info.user = "root"
        info.name = "agent bench"
        info.roles = ["bench"]
        info.checkpoint = true
        var capability = V1FrameworkInfo.Capability()
        capability.type = .multiRole
        info.capabilities = [capability]
        return SchedulerClient(
            .init(master: try MasterLocation.parse(master), framework: info),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    }

    private func begin() {
        work.withLock { work in
            work = [
                Task { await client.run() },
                Task { for await event in client.events { take(event) } },
            ]
        }
    }

    /// Ends the agent and all it started. Its files stay until ``clearAway()``, and so does its master, which then does nothing.
    func stop() async throws {
        try await client.teardown()
        await leave()
        process.signal(SIGTERM)
        guard await process.waitForEnd(deadline: .seconds(30)) != nil else {
            throw LoadTestError.notInTime("the agent does not end: \(process.lastLogLine())")
        }
        if let left = await cluster.removeContainers().first { throw LoadTestError.host("not removed: \(left)") }
    }

    private func leave() async {
        client.stop()
        let tasks = work.withLock { work in
            defer { work = [] }
            return work
        }
        for task in tasks { await task.value }
    }

    /// Removes everything that is left, whether it was stopped or not.
    func clearAway() async {
        await leave()
        for left in await cluster.stop() { FileHandle.standardError.write(Data("bench: \(left)\n".utf8)) }
    }

    // MARK: Events

    private func take(_ event: SchedulerEvent) {
        let now = MonotonicClock.seconds
        guard case .event(let event) = event else { return }
        switch event.type {
        case .offers:
            state.withLock { $0.offers += event.offers.offers }
            changes.send(())
        case .rescind:
            state.withLock { state in state.offers.removeAll { $0.id == event.rescind.offerID } }
        case .update:
            if let call = Calls.acknowledge(event.update.status) { client.submit(call) { _ in } }
            note(event.update.status, at: now)
        default: break
        }
    }

    private func note(_ status: V1TaskStatus, at now: Double) {
        state.withLock { state in
            let id = TaskID(status.taskID.value)
            guard var times = state.tasks[id] else { return }
            if status.state == .taskRunning, times.running == 0 {
                times.running = now
                state.running += 1
            } else if status.state.isTerminal, times.ended == 0 {
                times.ended = now
                times.isFinished = status.state == .taskFinished
                times.message = "\(status.state) \(status.message)"
                state.ended += 1
            }
            state.tasks[id] = times
        }
        changes.send(())
    }

    private func until(_ what: String, _ condition: @Sendable (State) -> Bool) async throws {
        let late = Locked(false)
        let token = Timers.shared.scheduleOnce(after: Self.patience) { [changes] in
            late.withLock { $0 = true }
            changes.send(())
        }
        defer { token.cancel() }
        while !state.withLock({ condition($0) }) {
            guard !late.withLock({ $0 }) else {
                throw LoadTestError.notInTime("waited too long until \(what): \(process.lastLogLine())")
            }
            if let end = process.ending() { throw LoadTestError.host("the agent \(end): \(process.lastLogLine())") }
            _ = await changes.next()
        }
    }

    // MARK: Tasks

    /// Runs a task to its end. The next offer is there before it is launched.
    func runOne(_ name: String, _ work: TaskWork) async throws -> TaskTimes {
        try await launch([name], work)
        let id = TaskID(name)
        try await until("\(name) has ended") { ($0.tasks[id]?.ended ?? 0) > 0 }
        guard let times = state.withLock({ $0.tasks[id] }), times.isFinished else {
            throw LoadTestError.host("\(name): \(state.withLock { $0.tasks[id]?.message } ?? "")")
        }
        return times
    }

    /// Runs tasks to their ends, launching so many with one ACCEPT.
    func runMany(_ names: [String], _ work: TaskWork, atOnce: Int) async throws {
        let before = state.withLock { $0.ended }
        for start in stride(from: 0, to: names.count, by: atOnce) {
            try await launch(Array(names[start..<min(start + atOnce, names.count)]), work)
        }
        try await until("\(names.count) tasks have ended") { $0.ended == before + names.count }
        let bad = state.withLock { state in names.first { state.tasks[TaskID($0)]?.isFinished != true } }
        if let bad { throw LoadTestError.host("\(bad): \(state.withLock { $0.tasks[TaskID(bad)]?.message } ?? "")") }
    }

    /// Launches tasks and waits until all of them run.
    func launchMany(_ names: [String], _ work: TaskWork) async throws {
        let before = state.withLock { $0.running }
        try await launch(names, work)
        try await until("\(names.count) tasks run") { $0.running == before + names.count }
    }

    private func launch(_ names: [String], _ work: TaskWork) async throws {
        let offers = try await offered(roomFor: names)
        let tasks = names.map { Self.task($0, work, on: offers[0]) }
        client.submit(
            Calls.accept(offers.map { OfferID($0.id.value) }, [Calls.launch(tasks)], refuse: .zero)
        ) { _ in }
    }

    /// Takes all offers once there is room in them for the tasks, and notes when. What an ended task held is offered apart
    /// from the rest and may come before it; left to itself, the master offers once a second.
    private func offered(roomFor names: [String]) async throws -> [V1Offer] {
        while true {
            let taken = state.withLock { state -> [V1Offer]? in
                guard Self.fit(names.count, in: state.offers) else { return nil }
                let now = MonotonicClock.seconds
                for name in names { state.tasks[TaskID(name)] = TaskTimes(accepted: now) }
                defer { state.offers = [] }
                return state.offers
            }
            if let taken { return taken }
            client.submit(Calls.revive([role])) { _ in }
            try await until("there are offers for \(names.count) tasks") { Self.fit(names.count, in: $0.offers) }
        }
    }

    private static let taskResources = [("cpus", 0.01), ("mem", 32)]

    private static func fit(_ count: Int, in offers: [V1Offer]) -> Bool {
        guard !offers.isEmpty else { return false }
        return taskResources.allSatisfy { name, value in
            let offered = offers.flatMap(\.resources).filter { $0.name == name }.reduce(0) { $0 + $1.scalar.value }
            // Less than a thousandth is no resource.
            return offered + 0.0005 >= value * Double(count)
        }
    }

    private static func task(_ name: String, _ work: TaskWork, on offer: V1Offer) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.name = name
        task.taskID.value = name
        task.agentID = offer.agentID
        task.resources = taskResources.map { name, value in
            var resource = V1Resource()
            resource.name = name
            resource.type = .scalar
            resource.scalar.value = value
            resource.allocationInfo = offer.allocationInfo
            return resource
        }
        switch work {
        case .command(let line):
            task.command.value = line
        case .container(let image, let arguments):
            task.command.shell = false
            task.command.arguments = arguments
            task.container.type = .docker
            task.container.docker.image = image
            task.container.docker.network = .host
        }
        return task
    }

    // MARK: The process

    /// Processor time of the agent and of all it started that has ended.
    var processorSeconds: Double { ProcessMemory.processorSecondsWithChildren(of: process.pid) }

    /// Processor time of the agent alone.
    var ownProcessorSeconds: Double { ProcessMemory.processorSeconds(of: process.pid) }

    /// The agent's memory, on average, and the share of a core that it uses, watched for some time. At one moment it has just
    /// given back pages of the program, at another it has just used some.
    func rest(_ time: Duration) async throws -> (resident: Int, anonymous: Int, share: Double) {
        let before = ownProcessorSeconds
        let start = MonotonicClock.seconds
        let clock = ContinuousClock()
        let end = clock.now + time
        var looks: [ProcessMemory] = []
        repeat {
            try await Task.sleep(for: min(.seconds(1), clock.now.duration(to: end)))
            guard let memory = ProcessMemory.of(process.pid) else { throw LoadTestError.host("the agent has ended") }
            looks.append(memory)
        } while clock.now < end
        let share = (ownProcessorSeconds - before) / (MonotonicClock.seconds - start)
        let sum = looks.reduce((resident: 0, anonymous: 0)) { ($0.resident + $1.resident, $0.anonymous + $1.anonymous) }
        return (sum.resident / looks.count, sum.anonymous / looks.count, share)
    }
}
