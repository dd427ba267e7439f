// What a file holds by its name, and whose it is by its numbers: for listings and downloads.

import Glibc

/// Media types by extension.
enum FileTypes {
    static func type(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
        return known[name[name.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }

    private static let known: [String: String] = [
        "txt": "text/plain", "log": "text/plain", "css": "text/css", "csv": "text/csv", "html": "text/html",
        "htm": "text/html", "js": "text/javascript", "json": "application/json", "xml": "application/xml",
        "pdf": "application/pdf", "gz": "application/gzip", "tar": "application/x-tar", "zip": "application/zip",
        "jar": "application/java-archive", "gif": "image/gif", "jpeg": "image/jpeg", "jpg": "image/jpeg",
        "png": "image/png", "svg": "image/svg+xml",
    ]
}

/// Names of users and groups, each asked for once: a listing has many entries and few owners.
struct OwnerNames {
    private var users: [uid_t: String] = [:]
    private var groups: [gid_t: String] = [:]

    mutating func user(_ id: uid_t) -> String {
        if let known = users[id] { return known }
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 4096)
        var found: UnsafeMutablePointer<passwd>?
        let isKnown = getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0 && found != nil
        let name = isKnown ? String(cString: entry.pw_name) : String(id)
        users[id] = name
        return name
    }

    mutating func group(_ id: gid_t) -> String {
        if let known = groups[id] { return known }
        var entry = Glibc.group()
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        var found: UnsafeMutablePointer<Glibc.group>?
        let isKnown = getgrgid_r(id, &entry, &buffer, buffer.count, &found) == 0 && found != nil
        let name = isKnown ? String(cString: entry.gr_name) : String(id)
        groups[id] = name
        return name
    }
}
