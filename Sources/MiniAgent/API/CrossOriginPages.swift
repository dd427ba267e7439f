// Which web pages of other hosts may ask this agent: the page that its master serves asks agents for sandboxes and figures
// and opens terminals, and a browser lets it only if the agent says so.

import HTTPServer

/// What is said to a browser about a page that another host has sent it.
///
/// The page of the leading master may read with the user's credentials, and may send calls to `/api/v1`. Where the agent asks
/// for no credentials, its answers are open to any page anyway, by `?jsonp=` as in Apache Mesos, and so any may read them;
/// but no other page may send anything that changes something here.
struct CrossOriginPages {
    /// The leading master, if one is known.
    let master: MasterAddress?
    /// Whether reads need a user's credentials here.
    let needsCredentials: Bool

    /// The answer, with the headers for that page if it may have it.
    func marked(_ response: HTTPResponse, to request: HTTPRequest, from origin: String) -> HTTPResponse {
        let isRead = (request.method == "GET" || request.method == "HEAD") && isReadable(request.path)
        let isCall = request.method == "POST" && isCallPath(request.path)
        guard isRead || isCall else { return response }
        var marked = response
        marked.headers.append(("Vary", "Origin"))
        guard isRead && !needsCredentials || isMasters(origin) else { return marked }
        marked.headers += Self.permission(origin)
        return marked
    }

    /// The answer to a browser that asks whether a page may send a call.
    func preflight(_ request: HTTPRequest, from origin: String) -> HTTPResponse {
        guard isCallPath(request.path), request.header("Access-Control-Request-Method") == "POST", isMasters(origin)
        else { return .empty(403, headers: [("Vary", "Origin")]) }
        return .empty(
            204,
            headers: Self.permission(origin) + [
                ("Vary", "Origin"), ("Access-Control-Allow-Methods", "POST"),
                ("Access-Control-Allow-Headers", "Content-Type, Message-Accept, Message-Content-Type"),
                ("Access-Control-Max-Age", "600"),
            ])
    }

    /// `*` would not do: the master's page sends credentials wherever an agent may want them.
    private static func permission(_ origin: String) -> [(String, String)] {
        [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true")]
    }

    private func isCallPath(_ path: String) -> Bool { AgentRealm.components(of: path) == ["api", "v1"] }

    /// Documents only: downloads are links, which need no permission.
    private func isReadable(_ path: String) -> Bool {
        let components = AgentRealm.components(of: path)
        if components == ["files", "download"] { return false }
        return components == ["version"] || components == ["health"] || AgentRealm.of(path) == .readOnly
    }

    /// By address or host name, with or without TLS on the way to the browser.
    func isMasters(_ origin: String) -> Bool {
        guard let master, let place = Self.place(of: origin), let own = Self.place(of: master.url) else { return false }
        if place == own { return true }
        guard !master.hostname.isEmpty, let port = own.split(separator: ":").last else { return false }
        return place == "\(master.hostname.lowercased()):\(port)"
    }

    /// `host:port`, in lower case; a port that goes without saying is said.
    private static func place(of url: String) -> String? {
        for (scheme, port) in [("http://", "80"), ("https://", "443")] where url.hasPrefix(scheme) {
            let rest = url.dropFirst(scheme.count).prefix { $0 != "/" }.lowercased()
            guard !rest.isEmpty, !rest.contains("@") else { return nil }
            // Colons within brackets are an IPv6 address's own.
            let afterAddress = rest.lastIndex(of: "]").map { rest[$0...] } ?? rest[...]
            return afterAddress.contains(":") ? rest : "\(rest):\(port)"
        }
        return nil
    }
}

extension HTTPRequest {
    /// Whether a browser asks what a page may send. It does so without the user's name and password (Fetch standard, "CORS
    /// preflight"), so nobody can be asked for them first.
    var isPreflight: Bool {
        method == "OPTIONS" && header("Origin") != nil && header("Access-Control-Request-Method") != nil
    }
}
