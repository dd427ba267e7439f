// A Docker image name taken apart the way the Engine's pull call wants it.

/// `repository[:tag][@digest]`.
package struct ImageReference: Hashable, Sendable {
    package var repository: String
    /// A tag, or a digest with its algorithm (`sha256:...`).
    package var tag: String

    /// A name without tag or digest means `latest`.
    package init(_ name: String) {
        if let at = name.firstIndex(of: "@") {
            repository = String(name[..<at])
            tag = String(name[name.index(after: at)...])
            // `name:tag@digest`: the digest decides.
            if let colon = Self.tagColon(in: repository) { repository = String(repository[..<colon]) }
        } else if let colon = Self.tagColon(in: name) {
            repository = String(name[..<colon])
            tag = String(name[name.index(after: colon)...])
        } else {
            repository = name
            tag = "latest"
        }
    }

    /// The last colon, unless it belongs to a registry's port.
    private static func tagColon(in name: String) -> String.Index? {
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return nil }
        return colon
    }
}

extension ImageReference {
    /// What images without a registry come from, as this program calls it.
    static let hub = "docker.io"
    static let hubNames: Set<String> = [
        "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com",
    ]

    /// The registry an image comes from: `reg.example:5000`, or ``hub``.
    package var registry: String {
        let first = repository.prefix { $0 != "/" }
        guard first.count < repository.count,
            first.contains(".") || first.contains(":") || first == "localhost"
        else { return Self.hub }
        return Self.hubNames.contains(String(first)) ? Self.hub : String(first)
    }

    /// The name of an image whose own names no registry, when images come from another one by default.
    ///
    /// - Parameter registry: `reg.example:5000`, also with a scheme before or a folder after it.
    package static func name(_ name: String, from registry: String?) -> String {
        guard let registry, !name.isEmpty, ImageReference(name).registry == Self.hub else { return name }
        var prefix = registry[...]
        for scheme in ["https://", "http://"] where prefix.hasPrefix(scheme) { prefix = prefix.dropFirst(scheme.count) }
        while prefix.hasSuffix("/") { prefix.removeLast() }
        if prefix.isEmpty || Self.hubNames.contains(String(prefix.prefix { $0 != "/" })) { return name }
        // An image that names Docker's own registry means it.
        let first = String(name.prefix { $0 != "/" })
        return first.count < name.count && Self.hubNames.contains(first) ? name : "\(prefix)/\(name)"
    }
}
