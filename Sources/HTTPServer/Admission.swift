// Decided on a request's head alone, before its body is read: who may go on.

/// A peer that was turned away before it became a request: one line for the log.
public struct ConnectionFault: Hashable, Sendable, CustomStringConvertible {
    /// `address:port`
    public let peer: String
    /// A predicate: "sent plain text to a TLS port".
    public let reason: String

    public init(peer: String, reason: String) {
        self.peer = peer
        self.reason = reason
    }

    public var description: String { "\(peer) \(reason)" }
}

/// The verdict on a request's head.
public enum HTTPAdmission: Sendable {
    /// The body is read and the handler asked.
    /// - Parameter identity: Who the peer proved to be; becomes `HTTPRequest.identity`.
    case admitted(identity: String?)
    /// Answered so. A small body is read and dropped, so that the connection can be used again; a larger one is not read.
    case refused(HTTPResponse)
}

extension HTTPServer {
    /// Judges a request by its head; `body` is still empty. Called on an event loop: it must not wait.
    public typealias Admission = @Sendable (HTTPRequest) -> HTTPAdmission
}
