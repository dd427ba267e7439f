// Users of this host by name.

import Glibc
import Mailbox

/// A user as processes need it: numbers only.
struct HostUser: Hashable, Sendable {
    var user: uid_t
    var group: gid_t
    var groups: [gid_t]

    /// Users as they were found a moment ago: tasks come in crowds, and looking a user up reads whole files or asks a
    /// directory server.
    private static let known = Locked<[String: (user: HostUser, until: ContinuousClock.Instant)]>([:])
    private static let knownTime = Duration.seconds(5)
    private static let knownMax = 100

    /// - Returns: `nil` if there is no such user.
    static func named(_ name: String) -> HostUser? {
        let now = ContinuousClock.now
        if let entry = known.withLock({ $0[name] }), now < entry.until { return entry.user }
        let user = lookUp(name)
        known.withLock { known in
            if known.count >= knownMax { known = [:] }
            known[name] = user.map { ($0, now + knownTime) }
        }
        return user
    }

    private static func lookUp(_ name: String) -> HostUser? {
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
