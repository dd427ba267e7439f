// The calls of an agent's link, one record after another in the body of one request.
import HTTPAccess
import HTTPServer
import Mailbox
import MesosProtocol

/// Hands on what an agent says until it ends its request, one of its calls is refused, or its link closes.
///
/// A request for each call costs more to read and to answer than what it says. Nothing is answered before the end: a link of
/// which a call was lost is over anyway, and the agent registers again.
struct LinkCallStream: Sendable {
    /// Of one call. Registrations, which may be larger, do not come this way.
    private static let callBytesMax = 64 << 20

    private let api: MasterAPI
    private let request: RoutedRequest
    private let remoteHost: String
    private let pathAtLeader: String
    private let refusal = Locked<HTTPResponse?>(nil)

    /// Whether a request brings calls this way, told by its head.
    static func isOne(_ head: HTTPRequest) -> Bool {
        Route.find(head.path)?.route == .agentLink && StreamHeaders.isStreamed(head)
    }

    init(_ api: MasterAPI, _ request: RoutedRequest) {
        self.api = api
        self.request = request
        remoteHost = MasterAPI.host(of: request.http.remoteAddress)
        pathAtLeader = request.pathAtLeader
    }

    func take(_ body: HTTPBodyStream) async -> HTTPResponse {
        guard let link = request.http.header("Mini-Link-Stream-Id").map({ LinkID($0) }) else {
            return .text(400, "Streamed calls should include the 'Mini-Link-Stream-Id' header")
        }
        guard let media = request.http.header("Message-Content-Type").flatMap({ MediaType(contentType: $0) }) else {
            return .text(415, "Expecting 'Message-Content-Type' of application/json or application/x-protobuf")
        }
        guard api.shell.attach(body, to: link) else { return .text(403, "No agent is registered on the link \(link)") }
        var decoder = RecordIODecoder(recordBytesMax: Self.callBytesMax)
        do {
            while let piece = try await body.next() {
                decoder.append(piece)
                while let record = try decoder.next() { submit(try media.decode(from: record), on: link, body) }
            }
            try decoder.finish()
        } catch is HTTPBodyStream.Failure {
            return refusal.withLock { $0 } ?? .text(503, "The link is closed")
        } catch {
            return .text(400, "\(error)")
        }
        // Only what the core has seen is accepted.
        _ = await api.shell.position()
        return refusal.withLock { $0 } ?? .empty(202)
    }

    private func submit(_ call: LinkCall, on link: LinkID, _ body: HTTPBodyStream) {
        let incoming = AgentRequest(
            call: call, linkID: link, freshLinkID: link, remoteHost: remoteHost, principal: request.principal)
        api.shell.submit(.protobuf, path: pathAtLeader, { .agentCalled($0, incoming) }) { [refusal] answer in
            guard answer.status != 202 else { return }
            refusal.withLock { $0 = $0 ?? answer }
            body.abandon()
        }
    }
}
