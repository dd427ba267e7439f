// The values requests and answers are made of: znode metadata, create modes, access rules, watch events, operations.

import CZooKeeper

/// Metadata of a znode.
public struct ZNodeStat: Hashable, Sendable {
    /// Transaction that created the znode, and the last one that changed its data.
    public var createdBy: Int64
    public var modifiedBy: Int64
    /// Milliseconds since the Unix epoch, by the ensemble leader's clock.
    public var createdMilliseconds: Int64
    public var modifiedMilliseconds: Int64
    /// Number of changes of the data, of the list of children, and of the ACL.
    public var version: Int32
    public var childrenVersion: Int32
    public var aclVersion: Int32
    /// Session whose end deletes the znode; 0 for a persistent one.
    public var ephemeralOwner: Int64
    public var dataBytes: Int32
    public var childCount: Int32

    init(_ stat: Stat) {
        createdBy = stat.czxid
        modifiedBy = stat.mzxid
        createdMilliseconds = stat.ctime
        modifiedMilliseconds = stat.mtime
        version = stat.version
        childrenVersion = stat.cversion
        aclVersion = stat.aversion
        ephemeralOwner = stat.ephemeralOwner
        dataBytes = stat.dataLength
        childCount = stat.numChildren
    }
}

/// How long a znode lives and how it is named.
public enum CreateMode: Hashable, Sendable {
    case persistent
    /// Deleted by the ensemble when the session ends.
    case ephemeral
    /// The ensemble appends a ten-digit counter of the parent to the name.
    case persistentSequential
    case ephemeralSequential

    var flags: Int32 {
        switch self {
        case .persistent: ZOO_PERSISTENT
        case .ephemeral: ZOO_EPHEMERAL
        case .persistentSequential: ZOO_PERSISTENT_SEQUENTIAL
        case .ephemeralSequential: ZOO_EPHEMERAL_SEQUENTIAL
        }
    }
}

/// Who may do what with a new znode.
public enum AccessControl: Hashable, Sendable {
    /// Everybody may do everything.
    case open
    /// The creating user may do everything, everybody may read. Needs a session with credentials.
    case creatorAllWorldRead

    /// What Mesos puts on its znodes: closed to others' writes as soon as there is a user to name.
    public static func forMembers(of credentials: ZooKeeperCredentials?) -> AccessControl {
        credentials == nil ? .open : .creatorAllWorldRead
    }

    var vector: UnsafePointer<ACL_vector>? {
        switch self {
        case .open: czk_acl_open()
        case .creatorAllWorldRead: czk_acl_creator_all_world_read()
        }
    }
}

/// A watched znode changed. A watch fires once.
public struct WatchEvent: Hashable, Sendable {
    public enum Kind: Hashable, Sendable { case created, deleted, dataChanged, childrenChanged }
    public var kind: Kind
    public var path: String

    public init(kind: Kind, path: String) {
        self.kind = kind
        self.path = path
    }
}

/// One step of a transaction. A version of `nil` means any.
public enum ZooKeeperOperation: Hashable, Sendable {
    case create(path: String, data: [UInt8], mode: CreateMode = .persistent, acl: AccessControl = .open)
    case set(path: String, data: [UInt8], version: Int32? = nil)
    case delete(path: String, version: Int32? = nil)
    /// Refuses the whole transaction unless the znode exists and has this version.
    case check(path: String, version: Int32? = nil)

    var path: String {
        switch self {
        case .create(let path, _, _, _), .set(let path, _, _), .delete(let path, _), .check(let path, _): path
        }
    }

    var dataBytes: Int {
        switch self {
        case .create(_, let data, _, _), .set(_, let data, _): data.count
        case .delete, .check: 0
        }
    }
}

/// What one step of an applied transaction yielded.
public enum ZooKeeperOperationResult: Hashable, Sendable {
    /// The full path, with the counter of a sequential znode.
    case created(path: String)
    case set(ZNodeStat)
    case deleted
    case checked
}

/// The state of a session, as its owner sees it.
public enum SessionState: Hashable, Sendable {
    /// Not connected, trying. The session may live on at the ensemble, or have ended there already: the client cannot
    /// know, and is told of an expiry only when it reaches a server again.
    case connecting
    /// - Parameter negotiatedTimeout: How long the ensemble waits for a silent client before it ends the session.
    case connected(sessionID: Int64, negotiatedTimeout: Duration)
    /// Ended by the ensemble. Final.
    case expired
    /// The ensemble refused the credentials. Final.
    case authenticationFailed
    /// Closed by this process. Final.
    case closed
}
