// Where a redirect leads: masters answer 307 with a scheme-relative Location.

enum MasterAddress {
    /// The base URL of the master that a `Location` header names.
    ///
    /// - Parameters:
    ///   - location: `//host:port/path` as Mesos sends it, an absolute URL, or a path on the same master.
    ///   - current: The base URL that was called.
    static func base(ofLocation location: String, at current: String) -> String {
        let scheme: String
        let rest: Substring
        if location.hasPrefix("//") {
            scheme = current.hasPrefix("https://") ? "https" : "http"
            rest = location.dropFirst(2)
        } else if location.hasPrefix("http://") {
            // Never from https to plain HTTP: the credentials would go with it.
            scheme = current.hasPrefix("https://") ? "https" : "http"
            rest = location.dropFirst("http://".count)
        } else if location.hasPrefix("https://") {
            scheme = "https"
            rest = location.dropFirst("https://".count)
        } else {
            return current
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return authority.isEmpty ? current : "\(scheme)://\(authority)"
    }
}
