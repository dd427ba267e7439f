// A master's place in the election: the znode it holds, and the looks at those of the others.

import Mailbox
import MesosProtocol
import ZooKeeper

/// Why a master could not join the election group.
public enum ElectionError: Error, Hashable, Sendable, CustomStringConvertible {
    case zooKeeper(path: String, ZooKeeperError)
    /// A master of another product is a member: its agents and frameworks could not use ours, nor ours its.
    case foreignMember(name: String, pid: String)

    public var description: String {
        switch self {
        case .zooKeeper(let path, let error) where error == .noAuth || error == .authFailed || error == .invalidACL:
            "ZooKeeper authentication: cannot join the election at \(path): \(error)"
        case .zooKeeper(let path, let error): "cannot join the election at \(path): \(error)"
        case .foreignMember(let name, let pid):
            "\(pid), a master of another product, is a member of the election group as \(name)"
        }
    }
}

/// Membership of one session in the election group below one directory.
///
/// The mechanism only: who leads, and when, is the master's decision. It ends with the session; a new session needs a
/// new membership. One caller at a time joins or leaves.
public final class ElectionMembership: Sendable {
    /// Retries of a failed join start here and double; the session's end is the limit.
    private static let retryMin: Duration = .milliseconds(100)
    private static let retryMax: Duration = .seconds(5)

    private let session: ZooKeeperSession
    /// The election directory.
    public let path: String
    private let acl: AccessControl
    private let own = Locked<ElectionMember?>(nil)
    private let isWatching = Locked(false)

    /// - Parameter path: The directory of the `zk://` URL. Its ACL, and those of the members, follow from the session's
    ///   credentials as in Mesos: with credentials only this user may write.
    public init(session: ZooKeeperSession, path: String) {
        self.session = session
        self.path = path
        acl = .forMembers(of: session.credentials)
    }

    /// The own member, once joined.
    public var member: ElectionMember? { own.withLock { $0 } }

    /// The operation that refuses a transaction once the own member is gone: the first in every write of a leader.
    ///
    /// Members are never rewritten, so the version is 0 as long as it is the one that was created.
    public var fence: ZooKeeperOperation? {
        member.map { .check(path: "\(path)/\($0.name)", version: 0) }
    }

    /// Creates the directory if missing, and the own member unless this session has it already.
    ///
    /// A lost connection while creating does not say whether the member exists, so after each failure the group is
    /// searched for a member of this session first. Goes on until it succeeds, the session ends or the task is cancelled.
    ///
    /// - Parameter besideForeign: Whether to join a group in which there are masters of another product.
    /// - Returns: The own member, which has a counter higher than that of everybody who joined before.
    /// - Throws: The first error that is not worth another try, such as `.noAuth` for wrong credentials; or the last one
    ///   if the task was cancelled.
    public func join(
        _ info: V1MasterInfo, besideForeign: Bool = false
    ) async throws(ElectionError) -> ElectionMember {
        let document = MasterInfoJSON.encode(info)
        var pause = Self.retryMin
        while true {
            let outcome: Attempt
            do throws(ZooKeeperError) {
                outcome = try await attempt(document, besideForeign: besideForeign)
            } catch {
                // A directory that somebody removed between two of the steps is made again.
                guard error.isRetryable || error == .noNode else { throw .zooKeeper(path: path, error) }
                do {
                    try await Task.sleep(for: pause)
                } catch is CancellationError {
                    throw .zooKeeper(path: path, error)
                } catch {
                    preconditionFailure("Task.sleep threw \(error)")
                }
                pause = min(pause * 2, Self.retryMax)
                continue
            }
            switch outcome {
            case .joined(let member): return member
            case .foreign(let name, let pid): throw .foreignMember(name: name, pid: pid)
            }
        }
    }

    private enum Attempt {
        case joined(ElectionMember)
        case foreign(name: String, pid: String)
    }

    private func attempt(_ document: [UInt8], besideForeign: Bool) async throws(ZooKeeperError) -> Attempt {
        try await session.createMissing(path, acl: acl)
        // What was proposed before the connection broke is applied before the group is searched.
        try await session.sync(path)
        let (own, foreign) = try await look(for: document)
        if let own { return .joined(keep(own)) }
        if !besideForeign, let foreign { return .foreign(name: foreign.name, pid: foreign.pid) }
        let created = try await session.create(
            "\(path)/\(ElectionMember.namePrefix)", data: document, mode: .ephemeralSequential, acl: acl)
        let name = created.split(separator: "/").last.map(String.init) ?? ""
        guard let member = ElectionMember(name: name) else { throw .badArguments }
        return .joined(keep(member))
    }

    /// The members now, the leader first. Children that are no members are left out.
    ///
    /// - Parameter watch: Called once, from a library thread, when the list changes. As long as one such watch waits,
    ///   further ones are not set.
    public func members(
        watch: (@Sendable () -> Void)? = nil
    ) async throws(ZooKeeperError) -> [ElectionMember] {
        let arms =
            watch != nil
            && isWatching.withLock { isWatching in
                defer { isWatching = true }
                return !isWatching
            }
        guard arms, let watch else { return ElectionMember.members(among: try await session.children(path)) }
        do throws(ZooKeeperError) {
            let names = try await session.children(
                path,
                watch: { [isWatching] _ in
                    isWatching.withLock { $0 = false }
                    watch()
                })
            return ElectionMember.members(among: names)
        } catch {
            isWatching.withLock { $0 = false }
            throw error
        }
    }

    /// What a member says of itself.
    ///
    /// - Returns: `nil` if it is gone, or if its document cannot be read.
    public func read(_ member: ElectionMember) async throws(ZooKeeperError) -> DetectedMaster? {
        let data: [UInt8]
        do throws(ZooKeeperError) {
            data = try await session.get("\(path)/\(member.name)").data
        } catch .noNode {
            return nil
        }
        return try? MasterInfoJSON.decode(data, label: member.label)
    }

    /// Deletes the own member, so that the next one leads at once. Closing the session does the same.
    public func leave() async throws(ZooKeeperError) {
        guard let member else { return }
        do throws(ZooKeeperError) {
            try await session.delete("\(path)/\(member.name)")
        } catch .noNode {
            // Gone already, which is what was wanted.
        }
        own.withLock { $0 = nil }
    }

    /// Looks for a member that this session has created before and that says what `document` says, and for a master of
    /// another product. A member of ours that says something else, or was rewritten by somebody, is removed: readers keep
    /// a member's content by its name, and a leader's writes check that its own was never touched.
    private func look(
        for document: [UInt8]
    ) async throws(ZooKeeperError) -> (own: ElectionMember?, foreign: (name: String, pid: String)?) {
        var own: ElectionMember?
        var foreign: (name: String, pid: String)?
        for member in try await members() {
            let path = "\(self.path)/\(member.name)"
            do throws(ZooKeeperError) {
                let (data, stat) = try await session.get(path)
                if stat.ephemeralOwner == session.sessionID {
                    if data == document, stat.version == 0, own == nil {
                        own = member
                    } else {
                        try await session.delete(path)
                    }
                } else if foreign == nil, let master = try? MasterInfoJSON.decode(data, label: member.label),
                    master.miniVersion == nil
                {
                    foreign = (member.name, master.info.pid)
                }
            } catch .noNode {
                continue  // Another master left in between.
            } catch .noAuth {
                continue  // Somebody else's znode, which nobody lets us read: no master's, those can be read by all.
            }
        }
        return (own, foreign)
    }

    private func keep(_ member: ElectionMember) -> ElectionMember {
        own.withLock { $0 = member }
        return member
    }
}
