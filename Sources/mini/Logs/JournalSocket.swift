// The way to systemd's journal that keeps fields apart.

import Foundation

/// Sends entries to the journal's socket. It is systemd's own and outlives a journal that is started again.
final class JournalSocket: Sendable {
    static let path = "/run/systemd/journal/socket"

    private let descriptor: Int32
    private let path: String

    init(path: String = JournalSocket.path) {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Returns: Whether the journal has it. One that is not there, is full, or wants no entry of this size has not: then
    ///   standard error, which leads to it as well, is what is left.
    func send(_ entry: [UInt8]) -> Bool {
        guard descriptor >= 0 else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(
                    descriptor, entry, entry.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL),
                    address,
                    socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return sent == entry.count
    }
}
