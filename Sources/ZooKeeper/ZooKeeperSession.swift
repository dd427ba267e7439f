// An async ZooKeeper session over Debian's multithreaded C client.

import CZooKeeper
import Mailbox

/// One session with a ZooKeeper ensemble.
///
/// - Requests are sent in the order of the calls and executed by the ensemble in that order.
/// - State changes and watch events are reported from one library thread, in order; the closures must not block. A
///   watch's event is never late: it is reported before any later answer that shows the change. The `await` on a
///   request, though, resumes on another thread, so code that needs the two in one order puts both into one mailbox.
/// - Every request ends within its deadline. Nothing is retried here: on `.connectionLoss` or `.operationTimeout` a
///   write may have happened, and only the caller knows how to find out.
/// - While cut off, the C client does not report that the ensemble has ended the session. Whoever must not act on a
///   dead session compares `silence` with the negotiated timeout.
public final class ZooKeeperSession: Sendable {
    /// The most bytes one request may carry. Servers allow 1 MiB for everything in it, and drop the connection above.
    public static let dataBytesMax = 1_000_000

    private let handle: SessionHandle
    public let credentials: ZooKeeperCredentials?

    /// Starts connecting. Resolves the servers' names, so it may block as long as DNS does: in async code prefer `open`.
    ///
    /// - Parameters:
    ///   - servers: `host:port` each; the client tries them in random order.
    ///   - timeout: Asked of the ensemble, which clamps it to 2...20 of its ticks; see `.connected`.
    ///   - credentials: For the `digest` scheme. A wrong password is not refused here but shows as `.noAuth` later.
    ///   - probesContact: Asks the ensemble's leader for a sign of life six times per session timeout, so that
    ///     `lastContact` stays fresh without other traffic. For leaders only: it costs the ensemble a request each time.
    ///   - onStateChange: Called with each change in order, never twice with the same state. The first state,
    ///     `.connecting`, is not reported.
    /// - Throws: `.unresolvableServers`.
    public init(
        servers: [String], timeout: Duration, credentials: ZooKeeperCredentials? = nil, probesContact: Bool = false,
        onStateChange: @escaping @Sendable (SessionState) -> Void = { _ in }
    ) throws(ZooKeeperError) {
        self.credentials = credentials
        handle = SessionHandle(timeout: timeout, onStateChange: onStateChange)
        try handle.open(servers: servers.joined(separator: ","))
        if let credentials { authenticate(credentials) }
        if probesContact { handle.keepProbing() }
    }

    /// Starts connecting, away from Swift's thread pool. Parameters and errors as for `init`.
    public static func open(
        servers: [String], timeout: Duration, credentials: ZooKeeperCredentials? = nil, probesContact: Bool = false,
        onStateChange: @escaping @Sendable (SessionState) -> Void = { _ in }
    ) async throws(ZooKeeperError) -> ZooKeeperSession {
        let opened: Result<ZooKeeperSession, ZooKeeperError> = await withCheckedContinuation { continuation in
            DedicatedThread.start(named: "zk-open") {
                let result: Result<ZooKeeperSession, ZooKeeperError>
                do throws(ZooKeeperError) {
                    result = .success(
                        try ZooKeeperSession(
                            servers: servers, timeout: timeout, credentials: credentials,
                            probesContact: probesContact, onStateChange: onStateChange))
                } catch {
                    result = .failure(error)
                }
                continuation.resume(returning: result)
            }
        }
        return try opened.get()
    }

    /// A session that nobody holds any more is closed in the background.
    deinit { handle.close {} }

    /// Ends the session: the ensemble deletes its ephemeral znodes at once, pending requests fail with `.closing`.
    /// Returns when the library has let go, at the latest a few seconds later when no server answers.
    public func close() async {
        await withCheckedContinuation { continuation in handle.close { continuation.resume() } }
    }

    // MARK: State

    public var state: SessionState { handle.current }
    /// The ensemble's number for this session, once connected. It is what `ZNodeStat.ephemeralOwner` holds.
    public var sessionID: Int64? { handle.sessionID }
    /// The timeout in force: negotiated if connected once, else the requested one.
    public var timeout: Duration { handle.negotiatedTimeout }

    /// The latest moment at which a request was *sent* that the ensemble has answered. `nil` before the first answer.
    ///
    /// The ensemble has heard from this session then or later, so it cannot end it before `lastContact + timeout`.
    /// Moments of receiving would not do: after a pause of this process they are read from a buffer long after the
    /// fact. Without `probesContact` it only moves with the caller's own requests and on each connect.
    public var lastContact: ContinuousClock.Instant? { handle.lastContact }

    /// Time since `lastContact`. A leader stops acting when this exceeds two thirds of `timeout`. `nil`: never heard.
    public var silence: Duration? { lastContact.map { $0.duration(to: .now) } }

    // MARK: Requests

    /// Creates a znode.
    ///
    /// - Returns: Its path, which for a sequential one ends in the counter.
    @discardableResult
    public func create(
        _ path: String, data: [UInt8] = [], mode: CreateMode = .persistent, acl: AccessControl = .open,
        deadline: Duration? = nil
    ) async throws(ZooKeeperError) -> String {
        try checkSize(data.count)
        return try await request(path, deadline: deadline) { native, path, context in
            data.withCChars { bytes, count in
                zoo_acreate(native, path, bytes, count, acl.vector, mode.flags, Completion.string, context)
            }
        }
    }

    /// - Parameter watch: Called once, when the data changes or the znode is deleted. Set only if this call succeeds.
    public func get(
        _ path: String, watch: (@Sendable (WatchEvent) -> Void)? = nil, deadline: Duration? = nil
    ) async throws(ZooKeeperError) -> (data: [UInt8], stat: ZNodeStat) {
        let token = watch.map(handle.register)
        let node: ZNode = try await request(path, watch: token, deadline: deadline) { native, path, context in
            zoo_awget(native, path, token.map { _ in SessionHandle.onWatch }, token?.pointer, Completion.data, context)
        }
        return (node.data, node.stat)
    }

    /// - Parameter watch: Called once, when a child comes or goes or the znode is deleted. Set only if this call
    ///   succeeds.
    /// - Returns: The names of the children, without the path, sorted.
    public func children(
        _ path: String, watch: (@Sendable (WatchEvent) -> Void)? = nil, deadline: Duration? = nil
    ) async throws(ZooKeeperError) -> [String] {
        let token = watch.map(handle.register)
        let names: [String] = try await request(path, watch: token, deadline: deadline) { native, path, context in
            zoo_awget_children(
                native, path, token.map { _ in SessionHandle.onWatch }, token?.pointer, Completion.strings, context)
        }
        return names.sorted()
    }

    /// - Parameter watch: Called once, when the znode is created, changed or deleted; set for an absent one, too.
    /// - Returns: `nil` if there is no such znode.
    public func exists(
        _ path: String, watch: (@Sendable (WatchEvent) -> Void)? = nil, deadline: Duration? = nil
    ) async throws(ZooKeeperError) -> ZNodeStat? {
        let token = watch.map(handle.register)
        return try await request(path, watch: token, deadline: deadline) { native, path, context in
            zoo_awexists(
                native, path, token.map { _ in SessionHandle.onWatch }, token?.pointer, Completion.existence, context)
        }
    }

    /// - Parameter version: Refused with `.badVersion` unless it is the current one; `nil` overwrites whatever is there.
    @discardableResult
    public func set(
        _ path: String, data: [UInt8], version: Int32? = nil, deadline: Duration? = nil
    ) async throws(ZooKeeperError) -> ZNodeStat {
        try checkSize(data.count)
        return try await request(path, deadline: deadline) { native, path, context in
            data.withCChars { bytes, count in
                zoo_aset(native, path, bytes, count, version ?? anyVersion, Completion.stat, context)
            }
        }
    }

    /// - Parameter version: As for `set`.
    public func delete(
        _ path: String, version: Int32? = nil, deadline: Duration? = nil
    ) async throws(ZooKeeperError) {
        return try await request(path, deadline: deadline) { native, path, context in
            zoo_adelete(native, path, version ?? anyVersion, Completion.void, context)
        }
    }

    /// Waits until the server this session is connected to has applied everything the ensemble decided before.
    public func sync(_ path: String = "/", deadline: Duration? = nil) async throws(ZooKeeperError) {
        let _: String = try await request(path, deadline: deadline) { native, path, context in
            zoo_async(native, path, Completion.string, context)
        }
    }

    /// Applies all operations or none.
    ///
    /// - Returns: One result per operation, in order.
    @discardableResult
    public func multi(
        _ operations: [ZooKeeperOperation], deadline: Duration? = nil
    ) async throws(ZooKeeperMultiError) -> [ZooKeeperOperationResult] {
        guard !operations.isEmpty else { return [] }
        let code: Int32
        let transaction = Transaction(operations)
        do throws(ZooKeeperError) {
            try checkSize(operations.reduce(0) { $0 + $1.dataBytes + $1.path.utf8.count })
            for operation in operations { try checkPath(operation.path) }
            code = try await request("/", transaction: transaction, deadline: deadline) { native, _, context in
                zoo_amulti(
                    native, transaction.count, transaction.operations, transaction.results, Completion.multi, context)
            }
        } catch {
            throw ZooKeeperMultiError(index: nil, error: error)
        }
        return try transaction.outcome(code).get()
    }

    /// Creates every missing ancestor of `path`, with empty data, but not `path` itself.
    public func createParents(_ path: String, acl: AccessControl = .open) async throws(ZooKeeperError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        try await createMissing(String(path[..<slash]), acl: acl)
    }

    /// Creates `path` and every missing ancestor, with empty data. What exists is left as it is.
    public func createMissing(_ path: String, acl: AccessControl = .open) async throws(ZooKeeperError) {
        // Looking first: creating what exists is refused as unauthorized where its parent is closed to us.
        if try await exists(path) != nil { return }
        try await createParents(path, acl: acl)
        do throws(ZooKeeperError) {
            try await create(path, acl: acl)
        } catch .nodeExists {
            // Somebody else was faster.
        }
    }

    // MARK: Plumbing

    private func authenticate(_ credentials: ZooKeeperCredentials) {
        let text = Array("\(credentials.user):\(credentials.password)".utf8)
        PendingRequest<Void>(handle: handle) { _ in }.send { native, context in
            text.withCChars { bytes, count in zoo_add_auth(native, "digest", bytes, count, Completion.void, context) }
        }
    }

    private func request<Answer: Sendable>(
        _ path: String, watch: WatchToken? = nil, transaction: Transaction? = nil, deadline: Duration?,
        _ body: (OpaquePointer, String, UnsafeRawPointer) -> Int32
    ) async throws(ZooKeeperError) -> Answer {
        do throws(ZooKeeperError) {
            try checkPath(path)
        } catch {
            if let watch { handle.forget(watch) }
            throw error
        }
        let outcome: Result<Answer, ZooKeeperError> = await withCheckedContinuation { continuation in
            let request = PendingRequest<Answer>(handle: handle, watch: watch, transaction: transaction) { outcome in
                continuation.resume(returning: outcome)
            }
            request.send { body($0, path, $1) }
            request.expire(after: deadline ?? handle.negotiatedTimeout)
        }
        return try outcome.get()
    }

    private func checkPath(_ path: String) throws(ZooKeeperError) {
        // A zero byte would end the C string early and name another znode.
        guard path.hasPrefix("/"), !path.utf8.contains(0) else { throw .badArguments }
    }

    private func checkSize(_ bytes: Int) throws(ZooKeeperError) {
        guard bytes <= Self.dataBytesMax else { throw .dataTooLarge }
    }
}

extension [UInt8] {
    func withCChars<R>(_ body: (UnsafePointer<CChar>?, Int32) -> R) -> R {
        withUnsafeBytes { body($0.bindMemory(to: CChar.self).baseAddress, Int32($0.count)) }
    }
}
