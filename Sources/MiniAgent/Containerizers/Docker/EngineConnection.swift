// One connection to the engine that carries a single answer, as its bytes come.

/// Lives on the thread of ``EngineStreams`` only.
final class EngineConnection {
    private enum Phase {
        case head([UInt8])
        case body(HTTPBodyFraming)
        /// The engine says no; why is being read.
        case refusal(status: Int, text: [UInt8], HTTPBodyFraming)
    }

    private static let headBytesMax = 64 << 10
    private static let reasonBytesMax = 64 << 10

    let life: EngineStreamLife
    let socket: Int32
    var unsent: ArraySlice<UInt8>
    /// Until when something must have come; nil once it may last.
    private(set) var deadline: ContinuousClock.Instant?
    private var phase = Phase.head([])

    init(_ life: EngineStreamLife, socket: Int32, request: [UInt8], until deadline: ContinuousClock.Instant) {
        self.life = life
        self.socket = socket
        unsent = request[...]
        self.deadline = deadline
    }

    /// - Returns: Whether that was the last of it.
    func receive(_ bytes: ArraySlice<UInt8>) throws(DockerError) -> Bool {
        switch phase {
        case .head(let before):
            let head = before + bytes
            guard let (status, headEnd) = HTTPHead.find(in: head) else {
                guard head.count < Self.headBytesMax else { throw .malformed("a response head without an end") }
                phase = .head(head)
                return false
            }
            let framing = HTTPBodyFraming(status: status, head: head[..<headEnd])
            if status == 200 || status == 101 {
                deadline = nil
                phase = .body(framing)
                life.opened.open(.success(()))
            } else {
                phase = .refusal(status: status, text: [], framing)
                // The rest is only its reason.
                let soon = ContinuousClock.now + .seconds(1)
                deadline = deadline.map { min($0, soon) }
            }
            return try receive(head[headEnd...])
        case .body(var framing):
            let payload: [UInt8]
            do throws(HTTPCallError) { payload = try framing.take(bytes) } catch { throw DockerError(error) }
            phase = .body(framing)
            if !payload.isEmpty { life.sink.take(payload) }
            return framing.isOver
        case .refusal(let status, var text, var framing):
            text += (try? framing.take(bytes)) ?? []
            phase = .refusal(status: status, text: text, framing)
            if framing.isOver || text.count >= Self.reasonBytesMax { throw lateness }
            return false
        }
    }

    /// The engine has closed the connection.
    func receiveEnd() throws(DockerError) -> Bool {
        if case .body(let framing) = phase, framing.endsWithConnection { return true }
        if case .refusal = phase { throw lateness }
        throw .unreachable("it closed the connection")
    }

    /// What it comes to if no more is waited for.
    var lateness: DockerError {
        guard case .refusal(let status, let text, _) = phase else { return .unreachable("timed out") }
        return .refused(status: status, message: DockerAnswers.message(text))
    }
}
