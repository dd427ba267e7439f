// What standard output and standard error are: terminals, or something that takes lines of any length.

import Foundation
import Glibc
import Mailbox

/// Standard output: a terminal with a width, or something that takes lines of any length.
enum TerminalWidth {
    /// `COLUMNS`, where it is set, says how wide; else the terminal does.
    static var current: Int? {
        if let text = ProcessInfo.processInfo.environment["COLUMNS"], let columns = Int(text), columns > 0 {
            return columns
        }
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

/// A line on the terminal that says what is being waited for, from the first second on. Nothing where standard error is
/// no terminal.
struct Progress {
    private static let first = Duration.seconds(1)

    private let shown = Locked(false)
    private let task: Task<Void, Never>?

    init(_ what: String) {
        guard isatty(STDERR_FILENO) == 1 else {
            task = nil
            return
        }
        let start = ContinuousClock.now
        task = Task { [shown] in
            while (try? await Task.sleep(for: Self.first)) != nil {
                let seconds = (ContinuousClock.now - start).components.seconds
                shown.withLock { $0 = true }
                Self.write("\r\(what)… \(seconds) s\u{1B}[K")
            }
        }
    }

    /// Takes the line away.
    func end() async {
        task?.cancel()
        await task?.value
        if shown.withLock({ $0 }) { Self.write("\r\u{1B}[K") }
    }

    private static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
