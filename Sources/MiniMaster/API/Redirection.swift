// Sends a request on to the leading master.
import HTTPServer
import MesosProtocol

enum Redirection {
    /// 307 to `//host:port`, without a scheme, as every known client can follow it.
    ///
    /// - Parameter pathAndQuery: What is asked of the leader; empty for its base address.
    static func response(to leader: V1MasterInfo, pathAndQuery: String) -> HTTPResponse {
        let host = leader.hasHostname && !leader.hostname.isEmpty ? leader.hostname : leader.address.ip
        let shown = host.contains(":") ? "[\(host)]" : host
        return .empty(307, headers: [("Location", "//\(shown):\(leader.port)\(pathAndQuery)")])
    }
}
