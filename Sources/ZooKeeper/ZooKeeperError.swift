// What can go wrong with a ZooKeeper request, as values one can switch over.

import CZooKeeper

/// Why a ZooKeeper request failed.
public enum ZooKeeperError: Error, Hashable, Sendable {
    /// The connection broke before the answer came. A write may or may not have happened.
    case connectionLoss
    /// No answer within the call's deadline. A write may or may not have happened.
    case operationTimeout
    /// The ensemble has ended the session; its ephemeral znodes and watches are gone. Open a new one.
    case sessionExpired
    case sessionMoved
    case noNode
    case nodeExists
    case badVersion
    case noAuth
    case authFailed
    case notEmpty
    case noChildrenForEphemerals
    case invalidACL
    /// The request itself is malformed, for example a relative path.
    case badArguments
    /// More bytes than `ZooKeeperSession.dataBytesMax`; servers drop the connection on such a request.
    case dataTooLarge
    /// In a failed multi: not executed, because another operation failed.
    case notExecuted
    /// The session was closed by this process.
    case closing
    /// None of the servers' names could be resolved, or the address list is malformed.
    case unresolvableServers(String)
    /// Any other code of the C client.
    case other(Int32)

    /// Whether the same request may succeed later in the same session.
    public var isRetryable: Bool {
        switch self {
        case .connectionLoss, .operationTimeout, .sessionMoved: true
        case .sessionExpired, .noNode, .nodeExists, .badVersion, .noAuth, .authFailed, .notEmpty,
            .noChildrenForEphemerals, .invalidACL, .badArguments, .dataTooLarge, .notExecuted, .closing,
            .unresolvableServers, .other:
            false
        }
    }

    /// - Parameter code: A result code of the C client other than `ZOK`.
    init(code: Int32) {
        switch ZOO_ERRORS(rawValue: code) {
        case ZCONNECTIONLOSS: self = .connectionLoss
        case ZOPERATIONTIMEOUT: self = .operationTimeout
        case ZSESSIONEXPIRED: self = .sessionExpired
        case ZSESSIONMOVED: self = .sessionMoved
        case ZNONODE: self = .noNode
        case ZNODEEXISTS: self = .nodeExists
        case ZBADVERSION: self = .badVersion
        case ZNOAUTH: self = .noAuth
        case ZAUTHFAILED: self = .authFailed
        case ZNOTEMPTY: self = .notEmpty
        case ZNOCHILDRENFOREPHEMERALS: self = .noChildrenForEphemerals
        case ZINVALIDACL: self = .invalidACL
        case ZBADARGUMENTS: self = .badArguments
        case ZRUNTIMEINCONSISTENCY: self = .notExecuted
        case ZCLOSING: self = .closing
        default: self = .other(code)
        }
    }
}

extension ZooKeeperError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .connectionLoss: "lost the connection to ZooKeeper"
        case .operationTimeout: "ZooKeeper did not answer in time"
        case .sessionExpired: "the ZooKeeper session expired"
        case .sessionMoved: "the ZooKeeper session moved to another server"
        case .noNode: "the znode does not exist"
        case .nodeExists: "the znode exists already"
        case .badVersion: "the znode's version is not the expected one"
        case .noAuth: "not authorized by the znode's ACL; check the ZooKeeper credentials"
        case .authFailed: "ZooKeeper authentication failed; check the ZooKeeper credentials"
        case .notEmpty: "the znode has children"
        case .noChildrenForEphemerals: "an ephemeral znode cannot have children"
        case .invalidACL: "ZooKeeper refused the ACL; without credentials there is no creator to name"
        case .badArguments: "malformed ZooKeeper request"
        case .dataTooLarge: "more than \(ZooKeeperSession.dataBytesMax) bytes for one ZooKeeper request"
        case .notExecuted: "not executed because another operation of the transaction failed"
        case .closing: "the ZooKeeper session is closed"
        case .unresolvableServers(let servers): "cannot resolve any of the ZooKeeper servers '\(servers)'"
        case .other(let code): "ZooKeeper error \(code) (\(zerror(code).map { String(cString: $0) } ?? "unknown"))"
        }
    }
}

/// Why a transaction was not applied. Nothing of it has happened, unless `error` is a lost connection or a timeout:
/// then it happened either completely or not at all.
public struct ZooKeeperMultiError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which operation was refused; `nil` if the request as a whole failed.
    public let index: Int?
    public let error: ZooKeeperError

    public init(index: Int?, error: ZooKeeperError) {
        self.index = index
        self.error = error
    }

    public var description: String {
        index.map { "operation \($0) of the transaction: \(error)" } ?? "\(error)"
    }
}
