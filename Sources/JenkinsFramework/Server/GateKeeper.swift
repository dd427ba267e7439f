// A process beside the framework that closes the gates which stand open when the framework dies.
import Glibc
import Logging
import Mailbox
import Resources

/// What that process does. It is told through its standard input which gates stand open, one line before each opening and
/// one after each closing; the end of that input is the end of the framework, however it came.
public enum GateKeeper {
    /// As lines of its input name them.
    enum Word: String { case open, closed }

    /// For so long the controller is asked to close what stands open.
    private static let patience = Duration.seconds(60)
    /// An opening may be under way when the framework dies: what was closed is closed again after these.
    private static let repetitions: [Duration] = [.zero, .milliseconds(300), .seconds(1), .seconds(4)]
    private static let retryMax = Duration.seconds(1)
    private static let gatesMax = 10_000
    /// Longer than any name a node may have.
    private static let lineMax = 1_024

    /// Waits for the end of `input`, then drains the nodes whose gates are open.
    ///
    /// - Parameter path: The framework's configuration, read again at that moment.
    /// - Returns: Whether all of them are closed.
    public static func run(configuration path: String, input: Int32, logger: Logger) async -> Bool {
        let open = await withCheckedContinuation { (done: CheckedContinuation<Set<NodeName>, Never>) in
            // A blocking read has no place on the cooperative pool.
            DedicatedThread.start(named: "gates") { done.resume(returning: gatesLeftOpen(input)) }
        }
        if open.isEmpty { return true }
        logger.warning("the framework has gone with open gates", metadata: ["gates": "\(open.count)"])
        do throws(ConfigurationError) {
            let live = LiveConfiguration(try JenkinsConfiguration.load(path: path))
            return await close(open, JenkinsController(JenkinsClient(live), live), logger)
        } catch {
            logger.error("they stay open: \(error)")
            return false
        }
    }

    private static func gatesLeftOpen(_ input: Int32) -> Set<NodeName> {
        var gates: Set<NodeName> = []
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(input, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return gates }
            for byte in buffer[..<count] {
                if byte != UInt8(ascii: "\n") {
                    if line.count < lineMax { line.append(byte) }
                    continue
                }
                take(String(decoding: line, as: UTF8.self), &gates)
                line = []
            }
        }
    }

    static func take(_ line: String, _ gates: inout Set<NodeName>) {
        let words = line.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let word = Word(rawValue: String(words[0])) else { return }
        switch word {
        case .open: if gates.count < gatesMax { gates.insert(NodeName(String(words[1]))) }
        case .closed: gates.remove(NodeName(String(words[1])))
        }
    }

    private static func close(_ gates: Set<NodeName>, _ controller: JenkinsController, _ logger: Logger) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            for name in gates.sorted() {
                group.addTask {
                    for pause in repetitions {
                        try? await Task.sleep(for: pause)
                        guard await close(name, controller, logger) else { return false }
                    }
                    return true
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
    }

    private static func close(_ name: NodeName, _ controller: JenkinsController, _ logger: Logger) async -> Bool {
        let end = ContinuousClock.now + patience
        var pause = Duration.milliseconds(50)
        while true {
            do throws(JenkinsFailure) {
                try await controller.drain(name, reason: AgentGate.closedAgainReason)
                logger.info("gate of \(name) closed")
                return true
            } catch {
                if case .answered(404, _) = error { return true }  // Gone with its node.
                guard ContinuousClock.now < end else {
                    logger.error("gate of \(name) stays open: \(error)")
                    return false
                }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, retryMax)
        }
    }
}
