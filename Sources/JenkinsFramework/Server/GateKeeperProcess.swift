// The framework's end of the gate keeper: starts it, and tells it of every gate before it opens.
import Glibc
import Logging
import Processes
import Resources

/// The command that runs ``GateKeeper`` on its standard input.
public struct GateKeeperCommand: Hashable, Sendable {
    public var program: String
    public var arguments: [String]

    public init(program: String, arguments: [String]) {
        self.program = program
        self.arguments = arguments
    }
}

/// One keeper for each term of acting, started when the first gate is about to open.
actor GateKeeperProcess {
    private let command: GateKeeperCommand?
    private let logger: Logger
    private var open: Set<NodeName> = []
    /// Our end of its standard input. It ends with this process, whatever ends that.
    private var line: Int32?
    private var starting: Task<Int32?, Never>?
    private var isOver = false

    /// - Parameter command: nil: nobody keeps the gates of this framework.
    init(_ command: GateKeeperCommand?, logger: Logger) {
        self.command = command
        self.logger = logger
    }

    /// Returns when the keeper knows, or cannot be had: only then may the gate be opened.
    func willOpen(_ name: NodeName) async {
        guard let command, !isOver else { return }
        open.insert(name)
        if tell(.open, name) { return }
        let start = starting ?? Task { await Self.start(command, logger) }
        starting = start
        let fresh = await start.value
        if starting == start {
            starting = nil
            if let line { Glibc.close(line) }
            line = fresh
            for other in open.sorted() { _ = tell(.open, other) }
        }
        if line == nil { logger.error("nobody will close the gate of \(name) if this process dies") }
    }

    func isClosed(_ name: NodeName) {
        if open.remove(name) != nil { _ = tell(.closed, name) }
    }

    /// What is open now is closed by the keeper, which then goes.
    func end() {
        isOver = true
        if let line { Glibc.close(line) }
        line = nil
    }

    private func tell(_ word: GateKeeper.Word, _ name: NodeName) -> Bool {
        guard let line else { return false }
        let bytes = Array("\(word.rawValue) \(name)\n".utf8)
        // It reads all the time: a line that does not fit is one that nobody reads.
        if send(line, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) == bytes.count {
            return true
        }
        Glibc.close(line)
        self.line = nil
        return false
    }

    /// - Returns: Our end of the line.
    private static func start(_ command: GateKeeperCommand, _ logger: Logger) async -> Int32? {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
        defer { Glibc.close(ends[1]) }
        // A session of its own: what is sent to our group is not meant for it.
        var request = SpawnRequest(program: command.program, arguments: command.arguments)
        request.standardInput = ends[1]
        request.standardError = STDERR_FILENO
        do throws(SpawnError) {
            _ = try await ChildProcess.spawn(request)
            return ends[0]
        } catch {
            logger.error("the gate keeper cannot be started: \(error)")
            Glibc.close(ends[0])
            return nil
        }
    }
}
