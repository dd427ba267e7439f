// The registry in ZooKeeper: small znodes beside the election directory, every write fenced by the leader's own znode.
import MesosProtocol
import Resources
import ZooKeeper

/// Keeps the entries of `<election path>-registry`.
///
/// A write is one transaction whose first step checks the election znode of the term. A master that lost the election
/// without noticing cannot change anything: the whole transaction fails.
actor ZooKeeperRegistry: RegistryStore {
    /// How many reads are in flight at once when the registry is read back.
    private static let readsInFlightMax = 128
    /// Pause before a write whose fate is unknown is tried again.
    private static let retryDelay = Duration.milliseconds(100)

    private let electionPath: String
    private let root: String
    private let acl: AccessControl
    private let session: @Sendable () -> ZooKeeperSession?
    /// The entries that exist, as far as this leader knows: whether to create or to set.
    private var existing: Set<String> = []

    /// - Parameter session: The session of the election, whatever it is at the moment of asking.
    init(url: ZooKeeperURL, session: @escaping @Sendable () -> ZooKeeperSession?) {
        electionPath = url.path
        root = url.path + "-registry"
        acl = .forMembers(of: url.credentials)
        self.session = session
    }

    // MARK: Reading

    func recover(_ term: Term, claim: V1MasterInfo) async throws(RegistryStoreError) -> RegistryContents {
        let session = try open()
        existing = ["leader"]
        do throws(ZooKeeperError) {
            if try await session.exists("\(root)/leader") == nil {
                existing = []
                try await prepare(session)
            }
        } catch {
            throw failure(error)
        }
        // Writing first makes sure that what is read afterwards is not older than the last leader's last write.
        try await apply([.put(key: "leader", MesosJSON.encode(claim))], term, session)
        var contents = RegistryContents()
        do throws(ZooKeeperError) {
            existing.formUnion(try await list(session))
            let keys = existing.subtracting(["leader"]).sorted()
            for start in stride(from: 0, to: keys.count, by: Self.readsInFlightMax) {
                let some = keys[start..<min(start + Self.readsInFlightMax, keys.count)]
                for (key, bytes) in try await read(some, session) {
                    if !RegistryCodec.decode(key, bytes, into: &contents.state) { contents.unreadable.append(key) }
                }
            }
        } catch {
            throw failure(error)
        }
        return contents
    }

    /// Makes what is missing of the tree.
    private func prepare(_ session: ZooKeeperSession) async throws(ZooKeeperError) {
        let (root, acl) = (root, acl)
        try await session.createMissing(root, acl: acl)
        let outcomes = await withTaskGroup(of: Result<Void, ZooKeeperError>.self) { tasks in
            for group in RegistryCodec.groups {
                tasks.addTask {
                    do throws(ZooKeeperError) {
                        return .success(try await session.createMissing("\(root)/\(group)", acl: acl))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var outcomes: [Result<Void, ZooKeeperError>] = []
            for await outcome in tasks { outcomes.append(outcome) }
            return outcomes
        }
        for outcome in outcomes { try outcome.get() }
    }

    /// The keys of all entries. The groups are asked for side by side: every round trip delays the first offer.
    private func list(_ session: ZooKeeperSession) async throws(ZooKeeperError) -> [String] {
        let root = root
        let listings = await withTaskGroup(of: (String, Result<[String], ZooKeeperError>).self) { tasks in
            for group in RegistryCodec.groups {
                tasks.addTask {
                    do throws(ZooKeeperError) {
                        return (group, .success(try await session.children("\(root)/\(group)")))
                    } catch {
                        return (group, .failure(error))
                    }
                }
            }
            var listings: [(String, Result<[String], ZooKeeperError>)] = []
            for await listing in tasks { listings.append(listing) }
            return listings
        }
        var keys: [String] = []
        for (group, listing) in listings.sorted(by: { $0.0 < $1.0 }) {
            do throws(ZooKeeperError) {
                keys += try listing.get().map { "\(group)/\($0)" }
            } catch .noNode {
                // A group that earlier versions did not have.
                try await session.createMissing("\(root)/\(group)", acl: acl)
            }
        }
        return keys
    }

    private func failure(_ error: ZooKeeperError) -> RegistryStoreError {
        switch error {
        case .noAuth, .authFailed, .invalidACL: RegistryStoreError(.forbidden("\(root): \(error)"))
        default: .unavailable("\(root): \(error)")
        }
    }

    private func read(
        _ keys: ArraySlice<String>, _ session: ZooKeeperSession
    ) async throws(ZooKeeperError) -> [(String, [UInt8])] {
        let root = root
        let results = await withTaskGroup(of: (String, Result<[UInt8]?, ZooKeeperError>).self) { group in
            for key in keys {
                group.addTask {
                    do throws(ZooKeeperError) {
                        return (key, .success(try await session.get("\(root)/\(key)").data))
                    } catch .noNode {
                        return (key, .success(nil))
                    } catch {
                        return (key, .failure(error))
                    }
                }
            }
            var results: [(String, Result<[UInt8]?, ZooKeeperError>)] = []
            for await result in group { results.append(result) }
            return results
        }
        var entries: [(String, [UInt8])] = []
        for (key, result) in results.sorted(by: { $0.0 < $1.0 }) {
            if let bytes = try result.get() { entries.append((key, bytes)) } else { existing.remove(key) }
        }
        return entries
    }

    // MARK: Writing

    func write(_ term: Term, _ write: RegistryWrite) async throws(RegistryStoreError) {
        try await apply(RegistryCodec.changes(for: write.operations), term, try open())
    }

    /// Tries until the outcome is known. The core ends the term if that takes too long.
    private func apply(
        _ changes: [RegistryChange], _ term: Term, _ session: ZooKeeperSession
    ) async throws(RegistryStoreError) {
        guard let candidate = term.candidate else { throw .unavailable("a term without an election znode") }
        let fence = ZooKeeperOperation.check(path: "\(electionPath)/\(candidate.name)", version: 0)
        while true {
            let steps = operations(for: changes)
            let failure: ZooKeeperMultiError
            do throws(ZooKeeperMultiError) {
                try await session.multi([fence] + steps)
                for change in changes {
                    switch change {
                    case .put(let key, _): existing.insert(key)
                    case .delete(let key): existing.remove(key)
                    }
                }
                return
            } catch {
                failure = error
            }
            if failure.index == 0, failure.error == .noNode || failure.error == .badVersion {
                throw RegistryStoreError(.fenced)
            }
            let isMisjudged = failure.index != nil && (failure.error == .noNode || failure.error == .nodeExists)
            if failure.error == .noAuth || failure.error == .authFailed { throw self.failure(failure.error) }
            guard isMisjudged || failure.error.isRetryable, !Task.isCancelled else {
                throw .unavailable("\(root): \(failure)")
            }
            try? await Task.sleep(for: Self.retryDelay)
            // The write may have been applied after all: look what is there before trying again.
            await look(changes.map(\.key), session)
        }
    }

    private func operations(for changes: [RegistryChange]) -> [ZooKeeperOperation] {
        changes.compactMap { change in
            switch change {
            case .put(let key, let bytes):
                existing.contains(key)
                    ? .set(path: "\(root)/\(key)", data: bytes)
                    : .create(path: "\(root)/\(key)", data: bytes, acl: acl)
            case .delete(let key): existing.contains(key) ? .delete(path: "\(root)/\(key)") : nil
            }
        }
    }

    /// Finds out which of these entries exist. What cannot be found out shows in the next attempt.
    private func look(_ keys: [String], _ session: ZooKeeperSession) async {
        do throws(ZooKeeperError) {
            try await session.sync(root)
            for key in keys {
                if try await session.exists("\(root)/\(key)") != nil {
                    existing.insert(key)
                } else {
                    existing.remove(key)
                }
            }
        } catch {
            return
        }
    }

    private func open() throws(RegistryStoreError) -> ZooKeeperSession {
        guard let session = session() else { throw .unavailable("no ZooKeeper session") }
        return session
    }
}
