// Asks the leading master, wherever it is: finds it, follows it, waits for one that has just taken over.

import Foundation
import HTTPClient
import MasterDetection
import MesosProtocol
import SwiftProtobuf

/// One person's or script's way to a cluster. Requests go to the leading master; what it redirects to is the leader, and
/// gets the credentials, too.
public struct OperatorConnection: Sendable {
    public var master: MasterLocations
    /// For HTTP Basic.
    public var credentials: (principal: String, secret: String)?
    /// Nil: plain HTTP.
    public var tls: ClientTLS?
    /// How long to look for a leader and to wait for its answer, all in all.
    public var patience: Duration

    /// A cluster of 10,000 agents and 100,000 tasks fits.
    private static let bodyMax = 512 << 20
    private static let redirectsMax = 5
    private static let pause = Duration.milliseconds(300)

    private let http: HTTPClient

    public init(
        master: MasterLocations, credentials: (principal: String, secret: String)? = nil, tls: ClientTLS? = nil,
        patience: Duration = .seconds(15)
    ) {
        self.master = master
        self.credentials = credentials
        self.tls = tls
        self.patience = patience
        http = tls.map { HTTPClient(tls: $0) } ?? .shared
    }

    public var isSecure: Bool { tls != nil || master.isSecure }

    // MARK: Finding the leader

    /// The addresses to ask first: the leader that ZooKeeper names, or what was given.
    private func candidates() async throws(OperatorFailure) -> [String] {
        var urls: [String] = []
        for location in master.all {
            switch location {
            case .zooKeeper:
                let half = min(patience, .seconds(15))
                guard let leader = await MasterDetector.leader(at: location, within: half) else {
                    throw OperatorFailure(
                        .unreachable,
                        "no master leads at \(location): either no ZooKeeper server answers, or fewer masters than the "
                            + "quorum are up (`mini doctor --master \(location)` tells)")
                }
                urls.append(leader.baseURL(isSecure: isSecure))
            case .address(let host, let port):
                let name = host.contains(":") ? "[\(host)]" : host
                urls.append("\(isSecure ? "https" : "http")://\(name):\(port)")
            }
        }
        return urls
    }

    /// A session with the leader. The first question finds it out.
    public func leader() async throws(OperatorFailure) -> LeaderSession {
        var session = LeaderSession(connection: self, url: "")
        // Anybody may ask a master for its version: only the leader's own answer to a question about the cluster counts.
        session.urls = try await candidates()
        return session
    }

    // MARK: Requests

    func request(_ method: String, _ url: String, until deadline: ContinuousClock.Instant)
        -> HTTPClientRequest
    {
        var request = HTTPClientRequest(method: method, url: url)
        request.connectTimeout = .seconds(3)
        request.totalTimeout = max(.milliseconds(100), deadline - ContinuousClock.now)
        if let (principal, secret) = credentials {
            let pair = Data("\(principal):\(secret)".utf8).base64EncodedString()
            request.headers.append(("Authorization", "Basic \(pair)"))
        }
        return request
    }

    /// Sends one request, without looking at what comes back.
    func fetch(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientReply {
        try await http.fetch(request, bodyMax: Self.bodyMax)
    }

    /// Asks the first of `urls` that answers, follows it to the leader, and waits while none is ready.
    ///
    /// - Parameter urls: The leader's URL stands first afterwards.
    fileprivate func ask(
        _ urls: inout [String], path: String, make: (inout HTTPClientRequest) -> Void
    ) async throws(OperatorFailure) -> HTTPClientReply {
        let deadline = ContinuousClock.now + patience
        var (place, redirects) = (0, 0)
        var problems: [String] = []
        while true {
            let base = urls[place]
            var request = request("GET", base + path, until: deadline)
            make(&request)
            let result: Result<HTTPClientReply, HTTPClientError>
            do throws(HTTPClientError) { result = .success(try await fetch(request)) } catch {
                result = .failure(error)
            }
            var isWorthWaiting = false
            switch result {
            case .success(let reply) where [301, 302, 307, 308].contains(reply.status):
                guard let next = Self.base(of: reply.header("Location"), from: base), redirects < Self.redirectsMax
                else { throw OperatorFailure(.unreachable, "the master at \(base) redirects to nowhere") }
                redirects += 1
                urls.removeAll { $0 == next }
                urls.insert(next, at: 0)
                place = 0
                continue
            case .success(let reply) where reply.status == 503:
                isWorthWaiting = true
                problems.append("the master at \(base) answers: \(Self.words(of: reply))")
            case .success(let reply):
                if place > 0 { urls.insert(urls.remove(at: place), at: 0) }
                return reply
            case .failure(let error):
                problems.append("\(base): \(error)")
                switch error {
                case .couldNotConnect: isWorthWaiting = redirects > 0 || urls.count > 1
                case .timedOut where place < urls.count - 1: break
                // Whether a request that was sent has been carried out is not known: it is not sent twice.
                default: throw OperatorFailure(.unreachable, "no answer from the master at \(base): \(error)")
                }
            }
            if place < urls.count - 1 {
                place += 1
                continue
            }
            guard isWorthWaiting, ContinuousClock.now + Self.pause < deadline else { break }
            try? await Task.sleep(for: Self.pause)
            (place, redirects) = (0, 0)
        }
        var seen: Set<String> = []
        let words = problems.reversed().filter { seen.insert($0).inserted }.prefix(3).joined(separator: "; ")
        throw OperatorFailure(.unreachable, "no master leads at \(master): \(words)")
    }

    private static func words(of reply: HTTPClientReply) -> String {
        let line = reply.text.prefix(300).split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.isEmpty ? "\(reply.status)" : line
    }

    /// `http://host:port` of a Location, which may lack the scheme.
    static func base(of location: String?, from base: String) -> String? {
        guard var location else { return nil }
        if location.hasPrefix("//") { location = (base.hasPrefix("https://") ? "https:" : "http:") + location }
        guard let parts = URLComponents(string: location), let scheme = parts.scheme, let host = parts.host,
            scheme == "http" || scheme == "https"
        else { return nil }
        return "\(scheme)://\(host)" + (parts.port.map { ":\($0)" } ?? "")
    }
}

/// Questions to one leader; if it stops leading, to the next.
public struct LeaderSession: Sendable {
    public let connection: OperatorConnection
    var urls: [String] = []

    init(connection: OperatorConnection, url: String) { self.connection = connection }

    /// `http://host:port` of whoever answered last.
    public var url: String { urls.first ?? "" }

    /// - Returns: The body of a 200.
    public mutating func get(_ path: String, _ query: [(String, String)] = []) async throws(OperatorFailure) -> [UInt8]
    {
        let target = path + Self.text(query)
        let reply = try await connection.ask(&urls, path: target) { _ in }
        try Self.check(reply, "GET \(path)", "the master at \(url)")
        return reply.body
    }

    /// Makes a call of the v1 operator API.
    @discardableResult
    public mutating func call(_ call: V1OperatorCall) async throws(OperatorFailure) -> V1OperatorResponse {
        let media = MediaType.protobuf
        let body = media.encode(call)
        let reply = try await connection.ask(&urls, path: "/api/v1") { request in
            request.method = "POST"
            request.body = body
            request.headers += [("Content-Type", media.rawValue), ("Accept", media.rawValue)]
        }
        let name = MesosJSON.name(of: call)
        try Self.check(reply, name, "the master at \(url)")
        guard !reply.body.isEmpty else { return V1OperatorResponse() }
        do throws(MessageDecodingError) { return try media.decode(from: reply.body) } catch {
            throw OperatorFailure(.refused, "the answer of the master at \(url) to \(name) cannot be read: \(error)")
        }
    }

    /// Makes a call that has nothing but a type.
    public mutating func call(_ type: V1OperatorCall.TypeEnum) async throws(OperatorFailure) -> V1OperatorResponse {
        var call = V1OperatorCall()
        call.type = type
        return try await self.call(call)
    }

    static func text(_ query: [(String, String)]) -> String {
        guard !query.isEmpty else { return "" }
        let pairs = query.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        return "?" + pairs.joined(separator: "&")
    }

    /// - Throws: What is wrong with an answer, with what to do.
    static func check(_ reply: HTTPClientReply, _ question: String, _ who: String) throws(OperatorFailure) {
        let words = reply.text.prefix(1_000).split(whereSeparator: \.isNewline).joined(separator: " ")
        switch reply.status {
        case 200..<300: return
        case 401:
            throw OperatorFailure(
                .refused,
                "\(who) wants to know who asks: give --principal and --secret_file (or MINI_PRINCIPAL and "
                    + "MINI_SECRET_FILE) with a secret that it knows")
        case 403:
            throw OperatorFailure(.refused, "\(who) does not allow it: \(words.isEmpty ? "403" : words)")
        case 404:
            throw OperatorFailure(.notFound, "\(who) knows no such thing: \(words.isEmpty ? question : words)")
        default:
            throw OperatorFailure(
                .refused, "\(who) refused \(question) with \(reply.status)\(words.isEmpty ? "" : ": \(words)")")
        }
    }
}

extension MesosJSON {
    /// `GET_AGENTS`
    fileprivate static func name(of call: V1OperatorCall) -> String {
        var bare = V1OperatorCall()
        bare.type = call.type
        guard case .string(let name) = try? JSONValue(parsing: encode(bare))["type"] else { return "the call" }
        return name
    }
}
