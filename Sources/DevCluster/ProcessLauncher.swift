// Starts the processes of one cluster, each with the cluster's mark and a log below its folder.

import Foundation
import Glibc
import Mailbox
import Processes

/// A name for a cluster that no other cluster on this host has.
enum ClusterID {
    static func random() -> String {
        String((0..<12).map { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() ?? "x" })
    }
}

/// Starts processes that belong to one cluster.
struct ProcessLauncher: Sendable {
    var clusterID: String
    var executable: String
    var directory: String

    /// Starts `mini` with `arguments`.
    ///
    /// - Parameter namespace: The network namespace to start it in; `nil`: ours.
    /// - Throws: ``ClusterError/host(_:)``.
    func launch(
        name: String, arguments: [String], namespace: String? = nil
    ) async throws(ClusterError) -> LoggedProcess {
        var words = [executable] + arguments
        // It replaces itself by the program, which keeps its process id.
        if let namespace { words = ["nsenter", "--net=\(NetworkPlan.folder)/\(namespace)", "--"] + words }
        return try await .start(
            name: name, program: words[0], arguments: Array(words.dropFirst()), environment: environment,
            logPath: "\(directory)/\(name).log")
    }

    /// Our environment, with the mark by which the janitor knows the cluster's processes, and without what is meant for
    /// the daemons of another installation.
    var environment: [String] {
        ProcessInfo.processInfo.environment
            .filter { $0.key != ClusterTeardown.environmentMark }
            .filter { !$0.key.hasPrefix("MESOS_") && !$0.key.hasPrefix("LIBPROCESS_") }
            .map { "\($0.key)=\($0.value)" }.sorted() + ["\(ClusterTeardown.environmentMark)=\(clusterID)"]
    }
}

/// A master or an agent: a process that can be killed and started again with the same command line.
public final class ClusterProcess: Sendable {
    /// How it is started.
    public let plan: ProcessPlan
    private let launcher: ProcessLauncher
    private let running = Locked<LoggedProcess?>(nil)

    init(plan: ProcessPlan, launcher: ProcessLauncher) {
        self.plan = plan
        self.launcher = launcher
    }

    /// Where it listens.
    public var url: String { plan.url }
    /// The process id of its latest start; 0 before the first.
    public var pid: Int32 { running.withLock { $0?.pid } ?? 0 }
    /// Its output and errors.
    public var logPath: String { "\(launcher.directory)/\(plan.name).log" }
    /// The whole command line, to start it again by hand.
    public var commandLine: [String] { [launcher.executable] + plan.arguments }

    /// Starts it, for the first time or again.
    ///
    /// - Throws: ``ClusterError/host(_:)``, also when it still runs.
    public func start() async throws(ClusterError) {
        guard running.withLock({ $0.map { $0.ending() == nil } }) != true else {
            throw .host("\(plan.name) is running already (pid \(pid))")
        }
        let process = try await launcher.launch(
            name: plan.name, arguments: plan.arguments, namespace: plan.namespace)
        running.withLock { $0 = process }
    }

    /// Sends a signal: `SIGKILL` unless told otherwise.
    public func kill(_ signal: Int32 = SIGKILL) { running.withLock { $0 }?.signal(signal) }

    /// Stops it in its tracks, as a machine that is paused does: its connections stay open, nothing answers.
    public func freeze() { kill(SIGSTOP) }

    /// Lets it go on.
    public func thaw() { kill(SIGCONT) }

    /// Kills it, waits for its end, and starts it again with the same command line.
    ///
    /// - Throws: ``ClusterError/host(_:)``.
    public func restart() async throws(ClusterError) {
        kill()
        await waitForEnd()
        try await start()
    }

    /// Calls `body` once the process has ended that runs now: on a thread that it must not block.
    public func onEnd(_ body: @escaping @Sendable (ProcessEnd) -> Void) { running.withLock { $0 }?.onEnd(body) }

    /// Waits until the process has ended.
    ///
    /// - Returns: `nil` if it still runs at the deadline.
    @discardableResult
    public func waitForEnd(deadline: Duration = .seconds(10)) async -> ProcessEnd? {
        await running.withLock { $0 }?.waitForEnd(deadline: deadline)
    }

    /// - Throws: ``ClusterError/exited(process:status:log:)`` if it has ended.
    func checkRuns() throws(ClusterError) {
        guard let process = running.withLock({ $0 }), let ending = process.ending() else { return }
        throw .exited(process: plan.name, status: ending.description, log: process.lastLogLine())
    }
}
