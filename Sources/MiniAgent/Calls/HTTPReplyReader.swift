// One answer to a short call, taken apart as its bytes come.

/// What a server answers to a call.
package struct HTTPCallReply: Hashable, Sendable {
    package var status: Int
    package var body: [UInt8]
    /// Status line and fields.
    var head: [UInt8] = []

    /// The value of a field of its head.
    ///
    /// - Parameter name: In lower case.
    func value(of name: String) -> String? {
        HTTPHead.fields(of: head[...]).first { $0.isCalled(name) }?.text
    }
}

/// One answer as its bytes come.
struct HTTPReplyReader: Sendable {
    enum Progress: Hashable, Sendable {
        case incomplete
        /// The answer is whole. The connection can serve again unless the answer is the last one.
        case whole(HTTPCallReply)
        /// More of the body of an answer that is handed on; with the first, its head.
        case more(begun: HTTPCallReply?, [UInt8], isOver: Bool)
    }

    private static let headBytesMax = 64 << 10

    private let bodyMax: Int
    /// Whether the body of an answer of status 200 is handed on as it comes.
    private let handsOn: Bool
    private var reply = HTTPCallReply(status: 0, body: [])
    private var framing: HTTPBodyFraming?

    init(bodyMax: Int, handsOn: Bool = false) {
        self.bodyMax = bodyMax
        self.handsOn = handsOn
    }

    var hasBegun: Bool { framing != nil || !reply.head.isEmpty }

    /// Whether the connection ends with this answer.
    var isLast: Bool { framing?.isLast ?? true }

    private var isHandedOn: Bool { handsOn && reply.status == 200 }

    mutating func take(_ bytes: ArraySlice<UInt8>) throws(HTTPCallError) -> Progress {
        guard framing == nil else { return try takeBody(bytes, begins: false) }
        var received = reply.head + bytes
        while let (status, end) = HTTPHead.find(in: received) {
            guard (100...999).contains(status) else { throw .malformed("no HTTP status") }
            let rest = received[end...]
            if (100..<200).contains(status), status != 101 {
                received = Array(rest)  // Only a sign of life.
                continue
            }
            framing = HTTPBodyFraming(status: status, head: received[..<end])
            reply = HTTPCallReply(status: status, body: [], head: Array(received[..<end]))
            return try takeBody(rest, begins: true)
        }
        reply.head = received
        guard received.count < Self.headBytesMax else { throw .malformed("a response head without an end") }
        return .incomplete
    }

    private mutating func takeBody(_ bytes: ArraySlice<UInt8>, begins: Bool) throws(HTTPCallError) -> Progress {
        guard let payload = try framing?.take(bytes) else { return .incomplete }
        let isOver = framing?.isOver == true
        if isHandedOn { return .more(begun: begins ? reply : nil, payload, isOver: isOver) }
        guard reply.body.count + payload.count <= bodyMax else { throw .malformed("the answer is too large") }
        if reply.body.isEmpty { reply.body = payload } else { reply.body += payload }
        return isOver ? .whole(reply) : .incomplete
    }

    /// The server has closed the connection.
    mutating func end() throws(HTTPCallError) -> Progress {
        guard framing?.endsWithConnection == true else { throw .unreachable("it closed the connection") }
        return isHandedOn ? .more(begun: nil, [], isOver: true) : .whole(reply)
    }
}
