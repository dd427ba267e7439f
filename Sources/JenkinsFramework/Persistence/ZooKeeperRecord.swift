// The planner's memory in ZooKeeper, for processes that stand by for one another.
import Resources
import ZooKeeper

/// Keeps the record in one znode beside the election's directory.
///
/// Every write is one transaction whose first step checks the leader's own election znode: a process that lost the election
/// without noticing can change nothing, and since names are written before nodes are created, start nothing.
final class ZooKeeperRecord: RecordStore {
    private static let retryDelay = Duration.milliseconds(100)

    private let session: ZooKeeperSession
    private let fence: ZooKeeperOperation
    private let root: String
    private let acl: AccessControl

    private var statePath: String { root + "/state" }
    private var leaderPath: String { root + "/leader" }

    /// - Parameter fence: Fails as soon as the election is lost.
    init(session: ZooKeeperSession, fence: ZooKeeperOperation, electionPath: String) {
        self.session = session
        self.fence = fence
        root = electionPath + "-state"
        acl = .forMembers(of: session.credentials)
    }

    /// Writes who leads, fenced, and reads the record after it: it is not older than the last leader's last write.
    ///
    /// - Returns: nil if there is none yet.
    func recover(claim: String) async throws(RecordStoreError) -> PlannerRecord? {
        do throws(ZooKeeperError) {
            try await session.createMissing(root, acl: acl)
        } catch {
            throw RecordStoreError(description: "\(root): \(error)")
        }
        try await put(leaderPath, Array(claim.utf8))
        let bytes: [UInt8]
        do throws(ZooKeeperError) {
            bytes = try await session.get(statePath).data
        } catch .noNode {
            return nil
        } catch {
            throw RecordStoreError(description: "\(statePath): \(error)")
        }
        do throws(StateFileError) {
            return try RecordDocument.decode(bytes, path: statePath)
        } catch {
            // Not ours to overwrite: it may be of a newer version, or of somebody else.
            throw RecordStoreError(description: "\(error)")
        }
    }

    func keep(_ record: PlannerRecord) async throws(RecordStoreError) {
        let bytes: [UInt8]
        do throws(StateFileError) {
            bytes = try RecordDocument.encode(record, path: statePath)
        } catch {
            throw RecordStoreError(description: "\(error)")
        }
        try await put(statePath, bytes)
    }

    /// Tries until the outcome is known: a write whose answer was lost may have happened, and happening twice is the same.
    private func put(_ path: String, _ bytes: [UInt8]) async throws(RecordStoreError) {
        var creates = false
        while true {
            let step: ZooKeeperOperation =
                creates ? .create(path: path, data: bytes, acl: acl) : .set(path: path, data: bytes)
            let failure: ZooKeeperMultiError
            do throws(ZooKeeperMultiError) {
                try await session.multi([fence, step])
                return
            } catch {
                failure = error
            }
            switch (failure.index, failure.error) {
            case (0, .noNode), (0, .badVersion), (_, .sessionExpired), (_, .closing):
                throw RecordStoreError(description: "another process leads now", isDeposed: true)
            case (1, .noNode): creates = true
            case (1, .nodeExists): creates = false
            default:
                guard failure.error.isRetryable, !Task.isCancelled else {
                    throw RecordStoreError(description: "\(path): \(failure)")
                }
                try? await Task.sleep(for: Self.retryDelay)
            }
        }
    }
}
