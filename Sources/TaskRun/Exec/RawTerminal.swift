// This process's terminal, with every key handed through as it is.

import CLinux
@preconcurrency import Dispatch
import Foundation
import Mailbox
import MesosProtocol

/// Raw mode of standard input from its making until ``restore()``. Does nothing if it is no terminal.
final class RawTerminal: Sendable {
    private let before = Locked<termios?>(nil)

    init() {
        guard isatty(STDIN_FILENO) == 1 else { return }
        var mode = termios()
        guard tcgetattr(STDIN_FILENO, &mode) == 0 else { return }
        let kept = mode
        before.withLock { $0 = kept }
        cfmakeraw(&mode)
        tcsetattr(STDIN_FILENO, TCSANOW, &mode)
    }

    func restore() {
        before.withLock { before in
            if var mode = before { tcsetattr(STDIN_FILENO, TCSANOW, &mode) }
            before = nil
        }
    }

    static func size(of descriptor: Int32) -> V1TTYInfo {
        var info = V1TTYInfo()
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        if clinux_terminal_size(descriptor, &rows, &columns) == 0 {
            info.windowSize.rows = UInt32(rows)
            info.windowSize.columns = UInt32(columns)
        }
        return info
    }

    private static let watcher = Locked<(any DispatchSourceSignal)?>(nil)

    /// Calls `body` whenever the window changes its size.
    static func onResize(_ body: @escaping @Sendable (V1TTYInfo) -> Void) {
        let source = DispatchSource.makeSignalSource(signal: SIGWINCH, queue: .global())
        source.setEventHandler { body(size(of: STDIN_FILENO)) }
        source.activate()
        watcher.withLock { $0 = source }
    }
}
