// A TCP proxy on loopback: a network that is slow, or a peer of another version.

import Glibc
import Mailbox

public struct CannotListen: Error {}

/// Forwards connections to another port of this host. Bytes of either direction arrive `delay` later, in order.
public final class LoopbackProxy: Sendable {
    public let port: UInt16
    private let listener: Int32

    /// - Parameter rewrite: Given what the client has sent, piece by piece, and answers with what the server gets.
    public init(
        toPort target: UInt16, delay: Duration = .zero, rewrite: @escaping @Sendable ([UInt8]) -> [UInt8] = { $0 }
    ) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard isListening else { throw CannotListen() }
        port = UInt16(bigEndian: address.sin_port)
        // The thread's own: by the time it accepts again the number of ours may mean another socket.
        let own = fcntl(listener, F_DUPFD_CLOEXEC, 0)
        DedicatedThread.start(named: "slow-accept") {
            defer { Glibc.close(own) }
            while true {
                let client = accept(own, nil, nil)
                guard client >= 0 else { return }
                guard let server = Self.connect(target) else {
                    Glibc.close(client)
                    continue
                }
                Self.pump(from: client, to: server, delay, rewrite)
                Self.pump(from: server, to: client, delay) { $0 }
            }
        }
    }

    /// No new connections; those that are open end with their peers.
    public func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    /// A port that was free a moment ago.
    public static func freePort() throws -> UInt16 {
        let proxy = try LoopbackProxy(toPort: 1)
        defer { proxy.close() }
        return proxy.port
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func connect(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code == 0 { return descriptor }
        Glibc.close(descriptor)
        return nil
    }

    /// One direction: what is read is sent after the delay. The end of one side ends the other. Neither is closed before the
    /// process ends: something may still be due to be sent.
    private static func pump(
        from source: Int32, to sink: Int32, _ delay: Duration, _ rewrite: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) {
        DedicatedThread.start(named: "slow-pump") {
            var buffer = [UInt8](repeating: 0, count: 16_384)
            while true {
                let count = recv(source, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                let bytes = rewrite(Array(buffer[..<count]))
                Timers.shared.scheduleOnce(after: delay) {
                    _ = bytes.withUnsafeBytes { send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                }
            }
            shutdown(sink, Int32(SHUT_RDWR))
            shutdown(source, Int32(SHUT_RDWR))
        }
    }
}
