// What standard output is: a terminal, or something that takes lines of any length.

import Foundation
import Glibc

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
