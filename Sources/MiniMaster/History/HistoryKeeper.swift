// Keeps the history: the leader samples the cluster each minute, the others copy what it has recorded.
import ClusterHistory
import DatabaseFile
import Glibc
import HTTPClient
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources
import Security

/// One master's share in the history. Nothing of it can hold up the master or end it: what fails is logged, at most
/// once an hour, and tried again a minute later.
///
/// A copy is by the time of the slots: whoever lacks some asks the leader for what is newer than its own newest. So a
/// master that comes to lead has everything its predecessors recorded up to its last look, at most a minute before.
final class HistoryKeeper: Sendable {
    private struct State {
        var store: HistoryStore?
        var complainedAt: Int64 = 0
        /// Which of the principals is tried.
        var principal = 0
        var isTrouble = false
    }

    private static let complaintInterval: Int64 = 3_600
    private static let patience = Duration.seconds(20)
    /// Of one answer with `HistoryDocuments.slotsMax` slots.
    private static let bodyMax = 64 << 20
    /// How often the leader is asked again at once, before the next minute: 31 days are 23 answers.
    private static let pagesMax = 100

    private let directory: String
    private let shell: MasterShell
    private let logger: Logger
    private let client: HTTPClient
    private let isSecure: Bool
    private let credentials: [Credential]
    private let state = Locked(State())

    init(_ configuration: MasterConfiguration, shell: MasterShell, logger: Logger) {
        directory = configuration.workDir
        self.shell = shell
        self.logger = logger
        isSecure = configuration.security.tls != nil
        client = configuration.security.peerTLS.map { HTTPClient(tls: $0) } ?? .shared
        let known = configuration.security.credentials
        credentials =
            configuration.security.authenticatesReadOnly
            ? (known?.principals ?? []).compactMap { known?.credential(of: $0) } : []
    }

    /// The store, once it could be opened.
    var store: HistoryStore? { state.withLock { $0.store } }

    private var now: Int64 { shell.clock.wall.nanoseconds / 1_000_000_000 }

    /// Until cancelled.
    func run() async {
        while !Task.isCancelled {
            let isDone = await beat()
            // A little after the minute has begun: what is asked of the leader it has then recorded.
            let position = shell.availability == .leading ? Int64(1) : 8
            let wait = isDone ? 60 - (now - position) % 60 : 2
            if (try? await Task.sleep(for: .seconds(wait))) == nil { break }
        }
        state.withLock { $0.store.take() }?.close()
    }

    /// Samples or copies once.
    ///
    /// - Returns: False while nobody leads.
    func beat() async -> Bool {
        do {
            let store = try openStore()
            switch shell.availability {
            case .leading:
                guard let snapshot = await shell.snapshot(), let cluster = snapshot.core.cluster else { return false }
                let sample = HistorySampling.sample(cluster, at: now)
                try await store.add([sample], at: now)
            case .following(let leader): try await copy(from: leader, to: store)
            case .recovering, .unavailable: return false
            }
            if state.withLock({ $0.isTrouble }) {
                state.withLock { $0.isTrouble = false }
                logger.info("the history is kept again")
            }
        } catch {
            if !Task.isCancelled { complain("\(error)") }
        }
        return true
    }

    private func openStore() throws(DatabaseFileError) -> HistoryStore {
        if let store { return store }
        let (store, setAside) = try HistoryStore.open(directory: directory)
        if let setAside { logger.warning("the history was damaged and begins anew; the old file is \(setAside)") }
        state.withLock { $0.store = store }
        return store
    }

    private func complain(_ problem: String) {
        let isDue = state.withLock { state in
            state.isTrouble = true
            if state.complainedAt != 0, now - state.complainedAt < Self.complaintInterval { return false }
            state.complainedAt = now
            return true
        }
        if isDue { logger.warning("the history is not kept just now; everything else goes on: \(problem)") }
    }

    // MARK: Copying

    func copy(from leader: V1MasterInfo, to store: HistoryStore) async throws {
        for resolution in [HistoryResolution.tenMinutes, .minute] {
            for _ in 0..<Self.pagesMax {
                let newest = try await store.newest(resolution) ?? now - resolution.span
                let rows = try await fetch(resolution, after: newest, from: leader)
                // The ten minutes that are going on are put together here.
                if rows.isEmpty { break }
                try await store.add(rows, resolution, at: now)
                guard try await store.newest(resolution) ?? newest > newest else { break }
            }
        }
    }

    private func fetch(
        _ resolution: HistoryResolution, after: Int64, from leader: V1MasterInfo
    ) async throws -> [HistoryRow] {
        let base = DetectedMaster(info: leader).baseURL(isSecure: isSecure)
        var request = HTTPClientRequest(
            url: "\(base)/master/history/slots?step=\(resolution.step)&after=\(after)", totalTimeout: Self.patience)
        let principal = state.withLock { $0.principal }
        if !credentials.isEmpty {
            request.headers.append(
                ("Authorization", credentials[principal % credentials.count].basicAuthorization))
        }
        let reply = try await client.fetch(request, bodyMax: Self.bodyMax)
        if reply.status == 401 || reply.status == 403 {
            // Perhaps another principal may.
            state.withLock { $0.principal = principal + 1 }
        }
        guard reply.status == 200 else { throw HistoryCopyError(status: reply.status, text: reply.text) }
        guard let rows = HistoryDocuments.rows(in: reply.body) else {
            throw HistoryCopyError(status: reply.status, text: "not a list of slots")
        }
        return rows
    }
}

/// Why the leader's history could not be copied.
struct HistoryCopyError: Error, CustomStringConvertible {
    var status: Int
    var text: String

    var description: String { "the leading master answered \(status) to /history/slots: \(text.prefix(200))" }
}
