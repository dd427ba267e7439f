// Which web pages of other hosts may read this agent's answers: the page that its master serves asks agents for sandboxes and
// figures, and a browser hands those over only if the agent says so.

import HTTPServer

/// What is said to a browser about a page that another host has sent it.
///
/// Only reads are meant, without special headers: a page elsewhere can change nothing here. The page of the leading master may
/// read with the user's credentials. Where the agent asks for none, its answers are open to any page anyway, by
/// `?jsonp=` as in Apache Mesos, and so any may read them.
struct CrossOriginReaders {
    /// The leading master, if one is known.
    let master: MasterAddress?
    /// Whether reads need a user's credentials here.
    let needsCredentials: Bool

    /// The answer, with the headers for that page if it may read it.
    func marked(_ response: HTTPResponse, to request: HTTPRequest, from origin: String) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD", isReadable(request.path) else { return response }
        var marked = response
        marked.headers.append(("Vary", "Origin"))
        guard !needsCredentials || isMasters(origin) else { return marked }
        // `*` would not do: the master's page sends credentials wherever an agent may want them.
        marked.headers.append(("Access-Control-Allow-Origin", origin))
        marked.headers.append(("Access-Control-Allow-Credentials", "true"))
        return marked
    }

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
