// A Docker engine as far as a test needs one.

import Glibc
import Mailbox

/// An engine that has an answer for each path, and may keep it to itself.
final class PlayedEngine: Sendable {
    private let listener: UnixListener
    var path: String { listener.path }
    /// What nobody gets an answer to.
    private let silent = Locked<Set<String>>([])

    /// - Parameters:
    ///   - answers: Bodies, by what follows the version in a path and precedes the question mark. Whatever is not there is
    ///     not found.
    ///   - first: What is answered before that, once each and in this order.
    init?(_ answers: [String: String], first: [String: [String]] = [:]) {
        guard let listener = UnixListener(backlog: 64) else { return nil }
        self.listener = listener
        listener.onThread("engine") { [silent] next in
            var kept: [Int32] = []
            var first = first
            defer { for connection in kept { close(connection) } }
            while true {
                let connection = next()
                guard connection >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 8192)
                let count = read(connection, &buffer, buffer.count)
                let target =
                    String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self).split(separator: " ")
                    .dropFirst().first?.prefix { $0 != "?" } ?? ""
                if silent.withLock({ $0.contains { target.hasSuffix($0) } }) {
                    kept.append(connection)
                    continue
                }
                let earlier = first.first { target.hasSuffix($0.key) && !$0.value.isEmpty }
                if let earlier { first[earlier.key]?.removeFirst() }
                let body = earlier?.value.first ?? answers.first { target.hasSuffix($0.key) }?.value
                let text = body ?? #"{"message":"no such thing"}"#
                let head =
                    "HTTP/1.1 \(body == nil ? "404 Not Found" : "200 OK")\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
                _ = (head + text).withCString { write(connection, $0, strlen($0)) }
                close(connection)
            }
        }
    }

    func keepSilent(about paths: Set<String>) { silent.withLock { $0 = paths } }
}
