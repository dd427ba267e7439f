// What a command says while it takes long.

import Foundation
import Glibc
import Mailbox

/// A line on the terminal that says what is being waited for, from the first second on. Nothing where standard error is
/// no terminal.
struct Progress {
    /// Where the line is shown, and what time it is there.
    struct Place: Sendable {
        var isTerminal: Bool
        var write: @Sendable (String) -> Void
        /// Returns at each full second with how many have passed; nil once nobody waits any more.
        var nextSecond: @Sendable () async -> Int64?

        /// Standard error, from now on.
        static var standardError: Place {
            let start = ContinuousClock.now
            return Place(
                isTerminal: isatty(STDERR_FILENO) == 1,
                write: { FileHandle.standardError.write(Data($0.utf8)) },
                nextSecond: {
                    guard (try? await Task.sleep(for: .seconds(1))) != nil else { return nil }
                    return (ContinuousClock.now - start).components.seconds
                })
        }
    }

    private let place: Place
    private let shown = Locked(false)
    private let task: Task<Void, Never>?

    init(_ what: String, at place: Place = .standardError) {
        self.place = place
        guard place.isTerminal else {
            task = nil
            return
        }
        task = Task { [shown] in
            while let seconds = await place.nextSecond(), !Task.isCancelled {
                shown.withLock { $0 = true }
                place.write("\r\(what)… \(seconds) s\u{1B}[K")
            }
        }
    }

    /// Takes the line away, once.
    func end() async {
        task?.cancel()
        await task?.value
        let isThere = shown.withLock { shown in
            defer { shown = false }
            return shown
        }
        if isThere { place.write("\r\u{1B}[K") }
    }
}
