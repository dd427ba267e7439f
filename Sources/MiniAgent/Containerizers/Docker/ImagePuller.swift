// Pulls each image once at a time, however many tasks want it.

import Mailbox

/// Tasks that want an image that is being pulled wait for that pull. It goes on as long as anybody waits: the last one that
/// is cancelled takes the pull with it.
final class ImagePuller: Sendable {
    /// What a pull depends on: with other credentials it may end otherwise.
    private struct Key: Hashable {
        var image: String
        var authorization: String?
    }

    private final class Pull: Sendable {
        let outcome = Latch<Result<Void, DockerError>>()
        let progress = Locked<String?>(nil)
        let work = Locked<Task<Void, Never>?>(nil)
    }

    private struct State {
        var pulls: [Key: (pull: Pull, waiters: Int)] = [:]
    }

    private let engine: DockerEngine
    private let timeout: Duration
    private let state = Locked(State())
    /// How often a waiting task is told how far it is.
    private static let progressInterval: Duration = .seconds(5)

    init(engine: DockerEngine, timeout: Duration) {
        self.engine = engine
        self.timeout = timeout
    }

    /// - Parameter onProgress: Told how far the pull is, at most every few seconds, and only when that has changed.
    func pull(
        _ image: String, authorization: String?, onProgress: @escaping @Sendable (String) -> Void
    ) async throws(DockerError) {
        let key = Key(image: image, authorization: authorization)
        let pull = join(key)
        let reporting = Task {
            var told: String?
            while true {
                do { try await Task.sleep(for: Self.progressInterval) } catch { return }
                guard let text = pull.progress.withLock({ $0 }), text != told else { continue }
                told = text
                onProgress(text)
            }
        }
        let outcome = await pull.outcome.wait()
        reporting.cancel()
        leave(key, pull)
        guard let outcome else { throw .cancelled }
        try outcome.get()
    }

    /// How far an image's pulls are, for whoever looks.
    var progress: [(image: String, text: String?)] {
        let pulls = state.withLock { $0.pulls.map { ($0.key.image, $0.value.pull) } }
        return pulls.map { ($0.0, $0.1.progress.withLock { $0 }) }.sorted { $0.image < $1.image }
    }

    private func join(_ key: Key) -> Pull {
        let (pull, isNew) = state.withLock { state -> (Pull, Bool) in
            if let known = state.pulls[key] {
                state.pulls[key]?.waiters += 1
                return (known.pull, false)
            }
            let pull = Pull()
            state.pulls[key] = (pull, 1)
            return (pull, true)
        }
        guard isNew else { return pull }
        let task = Task { [engine, timeout] in
            do throws(DockerError) {
                try await engine.pull(key.image, authorization: key.authorization, timeout: timeout) { progress in
                    pull.progress.withLock { $0 = progress.text }
                }
                self.close(key, pull)
                pull.outcome.open(.success(()))
            } catch {
                self.close(key, pull)
                pull.outcome.open(.failure(error))
            }
        }
        pull.work.withLock { $0 = task }
        return pull
    }

    /// Whoever comes from now on gets a pull of their own: the tag may have moved.
    private func close(_ key: Key, _ pull: Pull) {
        state.withLock { state in
            if state.pulls[key]?.pull === pull { state.pulls[key] = nil }
        }
    }

    private func leave(_ key: Key, _ pull: Pull) {
        let isAbandoned = state.withLock { state in
            guard let known = state.pulls[key], known.pull === pull else { return false }
            state.pulls[key]?.waiters = known.waiters - 1
            guard known.waiters == 1 else { return false }
            state.pulls[key] = nil
            return true
        }
        if isAbandoned { pull.work.withLock { $0 }?.cancel() }
    }
}
