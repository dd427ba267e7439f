// A bound on what all streams together hold back for slow readers.
import Mailbox

/// Bytes that many streams may hold together for clients that do not read.
///
/// Each stream has a bound of its own; with many slow clients their sum would still be a lot. When the sum is exceeded,
/// the stream that holds the most is cut off with `.crowdedOut`, and then the next, until the rest fits.
public final class HTTPStreamBudget: Sendable {
    private struct Member {
        weak var stream: HTTPStream?
    }

    private struct State {
        var bytes = 0
        var members: [ObjectIdentifier: Member] = [:]
    }

    public let bytesMax: Int
    private let state = Locked(State())

    public init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Bytes that all streams of this budget hold now.
    public var bytes: Int { state.withLock { $0.bytes } }

    func enroll(_ stream: HTTPStream) {
        state.withLock { $0.members[ObjectIdentifier(stream)] = Member(stream: stream) }
    }

    func leave(_ stream: ObjectIdentifier) {
        _ = state.withLock { $0.members.removeValue(forKey: stream) }
    }

    /// - Returns: Whether the sum is too much now.
    func change(by bytes: Int) -> Bool {
        state.withLock { state in
            state.bytes += bytes
            return state.bytes > bytesMax
        }
    }

    /// Cuts off the streams that hold the most until the rest fits. Never while a stream's own lock is held.
    func cutWorst() {
        while bytes > bytesMax {
            let streams = state.withLock { state in state.members.values.compactMap(\.stream) }
            let worst = streams.map { ($0, $0.chargedBytes) }.max { $0.1 < $1.1 }
            guard let worst, worst.1 > 0 else { return }
            worst.0.crowdOut()
        }
    }
}
