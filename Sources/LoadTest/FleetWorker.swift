// A part of a fleet in a process of its own: orders go in as lines, figures come out as lines.
import Foundation
import Glibc
import Mailbox
import Processes

/// The lines between a benchmark and its workers.
enum WorkerLine {
    static func order(follow master: MasterAddress?) -> String {
        master.map { "follow \($0.host) \($0.port)\n" } ?? "follow\n"
    }
    static let loadTasks = "tasks\n"
    static let stop = "stop\n"

    static func figures(_ figures: FleetFigures, taskLoads: Int) -> String {
        let numbers = [
            figures.registered, figures.leaders, figures.retries, figures.refusals, figures.brokenLinks,
            figures.pingsAnswered, taskLoads,
        ]
        return numbers.map(String.init).joined(separator: " ") + " \(figures.turnedAt) \(figures.completeAt) "
            + figures.lastFault.replacing("\n", with: " ") + "\n"
    }

    static func figures(of line: Substring) -> (FleetFigures, taskLoads: Int)? {
        let words = line.split(separator: " ", maxSplits: 9, omittingEmptySubsequences: false)
        let numbers = words.prefix(7).compactMap { Int($0) }
        guard numbers.count == 7, words.count >= 9, let turned = Double(words[7]), let complete = Double(words[8])
        else {
            return nil
        }
        var figures = FleetFigures()
        (figures.registered, figures.leaders, figures.retries) = (numbers[0], numbers[1], numbers[2])
        (figures.refusals, figures.brokenLinks, figures.pingsAnswered) = (numbers[3], numbers[4], numbers[5])
        (figures.turnedAt, figures.completeAt) = (turned, complete)
        if words.count > 9 { figures.lastFault = String(words[9]) }
        return (figures, numbers[6])
    }
}

/// The benchmark's end of a worker.
final class FleetWorker: Sendable {
    private struct State {
        var figures = FleetFigures()
        var taskLoads = 0
    }

    private let process: ChildProcess
    private let input: Int32
    private let state = Locked(State())

    private init(process: ChildProcess, input: Int32) {
        self.process = process
        self.input = input
    }

    static func start(_ plan: FleetPlan, _ executable: String) async throws(LoadTestError) -> FleetWorker {
        var (orders, reports): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard pipe(&orders) == 0, pipe(&reports) == 0 else {
            throw .host("no pipe: \(String(cString: strerror(errno)))")
        }
        for descriptor in orders + reports { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var request = SpawnRequest(
            program: executable,
            arguments: [
                "bench", "fleet", "--count=\(plan.agents)", "--tasks=\(plan.tasks)",
                "--frameworks=\(plan.frameworks)", "--first=\(plan.firstAgent)",
                "--registering=\(plan.registeringMax)",
            ], environment: SpawnRequest.ownEnvironment)
        request.standardInput = orders[0]
        request.standardOutput = reports[1]
        request.standardError = STDERR_FILENO
        request.deathSignal = SIGKILL
        defer {
            close(orders[0])
            close(reports[1])
        }
        do {
            let worker = FleetWorker(process: try await ChildProcess.spawn(request), input: orders[1])
            worker.listen(reports[0])
            return worker
        } catch {
            throw .host("cannot start a worker: \(error)")
        }
    }

    private func listen(_ descriptor: Int32) {
        DedicatedThread.start(named: "worker") { [state] in
            guard let file = fdopen(descriptor, "r") else { return }
            defer { fclose(file) }
            var line: UnsafeMutablePointer<CChar>?
            var capacity = 0
            while getline(&line, &capacity, file) > 0 {
                guard let text = line,
                    let (figures, loads) = WorkerLine.figures(of: String(cString: text)[...].dropLast())
                else { continue }
                state.withLock { $0 = State(figures: figures, taskLoads: loads) }
            }
            free(line)
        }
    }

    var figures: FleetFigures { state.withLock { $0.figures } }

    func follow(_ master: MasterAddress?) { send(WorkerLine.order(follow: master)) }
    func loadTasks() { send(WorkerLine.loadTasks) }

    func waitForTasks() async {
        while state.withLock({ $0.taskLoads }) == 0, process.knownEnd == nil {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    func stop() async {
        send(WorkerLine.stop)
        close(input)
        _ = await process.end()
    }

    private func send(_ line: String) { _ = line.withCString { write(input, $0, strlen($0)) } }
}

/// The worker's own side.
public enum FleetWorkerProcess {
    /// Obeys the lines of standard input until it ends.
    public static func run(_ plan: FleetPlan) async throws {
        let fleet = try AgentFleet(plan)
        let orders = Mailbox<String>()
        let taskLoads = Locked(0)
        DedicatedThread.start(named: "orders") {
            while let line = readLine() { orders.send(line) }
            orders.finish()
        }
        let reporting = Task {
            while !Task.isCancelled {
                let line = WorkerLine.figures(fleet.figures, taskLoads: taskLoads.withLock { $0 })
                _ = line.withCString { write(STDOUT_FILENO, $0, strlen($0)) }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        while true {
            let lines = await orders.next()
            if lines.isEmpty { break }
            for line in lines {
                let words = line.split(separator: " ")
                switch words.first {
                case "follow" where words.count == 3:
                    fleet.follow(Int(words[2]).flatMap { MasterAddress(host: String(words[1]), port: $0) })
                case "follow": fleet.follow(nil)
                case "tasks":
                    await fleet.loadTasks()
                    taskLoads.withLock { $0 += 1 }
                case "stop": orders.finish()
                default: break
                }
            }
        }
        reporting.cancel()
        await fleet.stop()
    }
}
