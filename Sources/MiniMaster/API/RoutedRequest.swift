// A request whose route is known, with what its answer needs to know of it.
import HTTPAccess
import HTTPServer
import MesosProtocol
import Resources
import Security
import SwiftProtobuf

struct RoutedRequest: Sendable {
    var http: HTTPRequest
    var route: Route
    /// What of the path is behind the route's own.
    var rest: [String] = []
    /// Whom authentication found behind it; nil if nobody had to say.
    var principal: Principal? { http.principal }

    /// Where the leader answers the same: path and query as sent, with the prefix of the master's process.
    var pathAtLeader: String {
        let target = http.target
        guard target.hasPrefix("/") else { return "/master\(route.rawValue)" }
        let end = target.firstIndex { $0 == "?" || $0 == "#" } ?? target.endIndex
        let isPrefixed = target[..<end] == "/master" || target.hasPrefix("/master/")
        return isPrefixed ? target : "/master" + target
    }

    /// The refusal of a method that the route does not know. HEAD is served wherever GET is.
    var methodRefusal: HTTPResponse? {
        let known = route.methods
        if known.isEmpty || known.contains(http.method) { return nil }
        if http.method == "HEAD", known.contains("GET") { return nil }
        let list = known.map { "'\($0)'" }.joined(separator: ", ")
        return .text(
            405, "405 Method Not Allowed. Expecting one of { \(list) }, but received '\(http.method)'.",
            headers: [("Allow", known.joined(separator: ", "))])
    }

    /// Whether it only looks.
    var isRead: Bool { http.method == "GET" || http.method == "HEAD" }

    /// JSON, or a call of the function that `?jsonp=` names.
    func json(_ bytes: [UInt8], headers: [(String, String)] = []) -> HTTPResponse {
        guard let function = http.query("jsonp"), !function.isEmpty else { return .json(200, bytes, headers: headers) }
        return .bytes(
            200, Array(function.utf8) + Array("(".utf8) + bytes + Array(")".utf8), contentType: "text/javascript",
            headers: headers)
    }

    func json(_ message: some Message) -> HTTPResponse { json(MesosJSON.encode(message)) }
}
