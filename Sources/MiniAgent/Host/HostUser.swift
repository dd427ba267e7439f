// Users of this host by name.

import Glibc

/// A user as processes need it: numbers only.
struct HostUser: Hashable, Sendable {
    var user: uid_t
    var group: gid_t
    var groups: [gid_t]

    /// - Returns: `nil` if there is no such user.
    static func named(_ name: String) -> HostUser? {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        var found: UnsafeMutablePointer<passwd>?
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        var groups = [gid_t](repeating: 0, count: 256)
        var count = Int32(groups.count)
        guard getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else {
            return HostUser(user: entry.pw_uid, group: entry.pw_gid, groups: [entry.pw_gid])
        }
        return HostUser(user: entry.pw_uid, group: entry.pw_gid, groups: Array(groups.prefix(Int(count))))
    }

    static var isRoot: Bool { geteuid() == 0 }
}
