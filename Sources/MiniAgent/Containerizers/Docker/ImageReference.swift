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
