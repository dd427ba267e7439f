// Reads the configuration again when it is asked to, or when its file has changed.
import Glibc
import Logging
import Mailbox
import Resources

/// Why the file is read again.
enum ReloadReason: Sendable {
    /// By a signal.
    case asked
    /// By the look that is taken from time to time.
    case due
}

/// What tells one version of a file from the next.
struct FileStamp: Equatable, Sendable {
    private var inode: UInt64
    private var bytes: Int64
    private var seconds: Int
    private var nanoseconds: Int

    /// - Returns: nil if there is no such file.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}

extension JenkinsFrameworkServer {
    private static let lookInterval = Duration.seconds(1)

    /// Reads the file again whenever it should be, until the server stops.
    func watchConfiguration() async {
        guard let path else { return }
        var stamp = FileStamp(path)
        let looks = Task { [reloads] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.lookInterval)
                reloads.send(.due)
            }
        }
        defer { looks.cancel() }
        while case let reasons = await reloads.next(), !reasons.isEmpty, !Task.isCancelled, !isStopping {
            let now = FileStamp(path)
            let isAsked = reasons.contains { if case .asked = $0 { true } else { false } }
            // A file that is gone for a moment is being replaced.
            guard isAsked || now != nil && now != stamp else { continue }
            stamp = now
            reload(path, isAsked: isAsked)
        }
    }

    private func reload(_ path: String, isAsked: Bool) {
        let new: JenkinsConfiguration
        do throws(ConfigurationError) {
            new = try JenkinsConfiguration.load(path: path)
        } catch {
            for line in "\(error)".split(separator: "\n") { logger.error("\(line)") }
            logger.error("\(path) is not taken: \(error.problems.count) problems; the configuration stays as it was")
            return
        }
        let change = ConfigurationChange(from: live.current, to: new)
        if change.isEmpty {
            if isAsked { logger.info("\(path): nothing has changed") }
            return
        }
        live.current = change.effective
        board.unmatchedLabelsFail = change.effective.unmatchedLabelsFail
        term?.reconfigured(change.effective)
        for key in change.applied { logger.notice("\(path): in force now: \(key)") }
        for key in change.awaitingRestart { logger.warning("\(path): takes a restart: \(key)") }
    }
}

extension FrameworkTerm {
    func reconfigured(_ configuration: JenkinsConfiguration) {
        inbox.send(.reconfigured(configuration.planner))
    }
}
