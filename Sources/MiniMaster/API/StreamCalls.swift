// Calls of schedulers and agents: read from the body and handed to the core, which answers them.
import HTTPAccess
import HTTPServer
import MesosProtocol
import Resources

extension MasterAPI {
    func schedulerCall(_ request: RoutedRequest) async -> HTTPResponse {
        switch CallBody<V1SchedulerCall>(request.http) {
        case .refused(let response): return response
        case .call(let call):
            let media = MediaType.negotiate(accept: request.http.headers(named: "Accept"))
            let incoming = SchedulerRequest(
                call: call, streamID: request.http.header("Mesos-Stream-Id").map { StreamID($0) },
                acceptsStream: media != nil, freshStreamID: StreamID(WireUUID.random().description),
                principal: request.principal)
            return await shell.request(media ?? .json, path: request.pathAtLeader) { .schedulerCalled($0, incoming) }
        }
    }

    func agentCall(_ request: RoutedRequest) async -> HTTPResponse {
        if let body = request.http.bodyStream { return await LinkCallStream(self, request).take(body) }
        switch AgentCallBody(request.http) {
        case .refused(let response): return response
        case .call(let call, let tasks):
            var incoming = AgentRequest(
                call: call, linkID: request.http.header("Mini-Link-Stream-Id").map { LinkID($0) },
                freshLinkID: LinkID(WireUUID.random().description),
                remoteHost: Self.host(of: request.http.remoteAddress), principal: request.principal)
            incoming.tasks = tasks
            return await shell.request(.protobuf, path: request.pathAtLeader) { .agentCalled($0, incoming) }
        }
    }

    /// `10.0.0.1:50000` without the port; brackets of IPv6 go too.
    static func host(of address: String) -> String {
        guard let colon = address.lastIndex(of: ":") else { return address }
        let host = address[..<colon]
        return host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }
}
