// An agent that ends itself with SIGKILL at a step chosen beforehand, to be started by the crash tests.
//
// Usage: crash-agent MASTER_PORT WORK_DIR SUPERVISOR STEP [option ...]. With STEP 0 it runs until it is killed. Every step
// that counts is written to standard output before it is taken: `NUMBER WHAT`.
//
// Options: `no-strict`, `cleanup`, `isolation=LIST`, `port=NUMBER`.

import Glibc
import Logging
import Mailbox
import MasterDetection

import MiniAgent

@main
struct CrashAgent {
    static func main() async {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "executor" {
            var executor = CrashExecutor(endsByItself: arguments[2] == "ends")
            exit(await executor.run())
        }
        guard arguments.count >= 5, let port = Int(arguments[1]), let last = Int(arguments[4]) else {
            say("usage: crash-agent MASTER_PORT WORK_DIR SUPERVISOR STEP [option ...]")
            exit(2)
        }
        var configuration = AgentConfiguration(
            master: .address(host: "127.0.0.1", port: port), workDirectory: arguments[2])
        configuration.ip = "127.0.0.1"
        configuration.port = 0
        configuration.hostname = "crashhost"
        configuration.resources = "cpus:400;mem:400000;disk:10000;ports:[31000-31100]"
        configuration.dockerRemoveDelay = .zero
        configuration.registrationBackoffFactor = .milliseconds(1)
        configuration.supervisorPath = arguments[3]
        configuration.executorReregistrationTimeout = .seconds(5)
        let options = arguments.dropFirst(5)
        configuration.strict = !options.contains("no-strict")
        if let port = options.first(where: { $0.hasPrefix("port=") }) {
            configuration.port = Int(port.dropFirst("port=".count)) ?? 0
        }
        if options.contains("cleanup") { configuration.recover = .cleanup }
        var logger = Logger(label: "crash-agent")
        logger.logLevel = .warning
        let count = Locked(0)
        do {
            let server = try await AgentServer.start(configuration, logger: logger) { step in
                guard let name = name(of: step) else { return }
                count.withLock { count in
                    count += 1
                    say("\(count) \(name)")
                    if count == last { kill(getpid(), SIGKILL) }
                }
            }
            let end = await server.run()
            say("end \(end)")
        } catch {
            say("refused \(error)")
            exit(1)
        }
    }

    private static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(1, bytes, bytes.count)
    }

    /// A step after which the disk, a container or the master may be ahead of the agent's memory; `nil`: any other.
    private static func name(of step: AgentStep) -> String? {
        switch step {
        case .durable(let token):
            return "durable \(word(token))"
        case .engine(let notice):
            return "engine \(word(notice))"
        case .event(let event):
            switch event {
            case .recovered, .containerPrepared, .containerStarted, .containerFailed, .containerExited,
                .executorCalled:
                return "event \(word(event))"
            case .commandReceived(_, let command):
                switch command {
                case .registered, .runTask, .killTask, .acknowledge: return "command \(word(command))"
                default: return nil
                }
            default: return nil
            }
        case .effect(let effect):
            switch effect {
            case .schedule, .notice, .closeLink: return nil
            case .send(_, .pong): return nil
            case .send(_, let call): return "send \(word(call))"
            case .checkpoint(let write): return "write \(word(write.token))"
            default: return "do \(word(effect))"
            }
        }
    }

    /// The name of an enumeration's case.
    private static func word(_ value: some Any) -> String {
        Mirror(reflecting: value).children.first?.label ?? "\(value)"
    }
}
