// Where the Jenkins framework of a cluster answers, as far as the master knows.

import TextTables

/// The status server of one Jenkins framework.
public struct JenkinsPlace: Hashable, Sendable {
    public var framework: String
    /// `http://host:port`
    public var url: String

    /// Frameworks that are subscribed, call themselves Jenkins, and give a web page: as the web page of the masters finds
    /// them. Sorted by name.
    public static func all(among frameworks: [ClusterFramework]) -> [JenkinsPlace] {
        frameworks.compactMap { framework in
            guard framework.state == .active || framework.state == .inactive,
                framework.name.lowercased().contains("jenkins"),
                let url = origin(of: framework.webuiURL, host: framework.hostname)
            else { return nil }
            return JenkinsPlace(framework: framework.name, url: url)
        }.sorted { ($0.framework, $0.url) < ($1.framework, $1.url) }
    }

    /// The only one.
    ///
    /// - Throws: `OperatorFailure` that says what to give instead.
    public static func only(among frameworks: [ClusterFramework]) throws(OperatorFailure) -> JenkinsPlace {
        let found = all(among: frameworks)
        guard let first = found.first else {
            throw OperatorFailure(
                .refused,
                "no framework of this cluster calls itself Jenkins and says where it answers; name it with --url, or its "
                    + "configuration with --config")
        }
        guard found.count == 1 else {
            let list = found.prefix(5).map { "\(DisplayWidth.escaped($0.framework)) at \($0.url)" }
            throw OperatorFailure(
                .refused,
                "\(found.count) frameworks of this cluster call themselves Jenkins: choose with --url, of "
                    + list.joined(separator: ", ") + (found.count > 5 ? ", …" : ""))
        }
        return first
    }

    /// Scheme, host and port of an address; "everywhere" is the framework's own host. Nil: it is none of HTTP.
    static func origin(of page: String, host: String) -> String? {
        guard let scheme = ["http://", "https://"].first(where: { page.lowercased().hasPrefix($0) }) else { return nil }
        let authority = page.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        let isPlain = authority.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard !authority.isEmpty, isPlain, !authority.contains("@") else { return nil }
        for everywhere in ["0.0.0.0", "[::]"] where !host.isEmpty {
            guard authority.hasPrefix(everywhere) else { continue }
            return scheme + host + authority.dropFirst(everywhere.count)
        }
        return scheme + authority
    }
}
