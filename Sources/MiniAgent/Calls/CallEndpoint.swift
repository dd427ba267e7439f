// Where a server of short calls listens: on a unix socket, or at an address that needs no look-up.

import CLinux
import Glibc

/// Why a call has no answer.
package enum HTTPCallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody there, or nobody answers. Whether the call took effect is not known.
    case unreachable(String)
    /// An answer that makes no sense.
    case malformed(String)
    case cancelled

    package var description: String {
        switch self {
        case .unreachable(let reason): reason
        case .malformed(let what): "the answer is unusable: \(what)"
        case .cancelled: "cancelled"
        }
    }
}

/// A server of ``HTTPCalls``.
package enum CallEndpoint: Hashable, Sendable {
    case unix(String)
    /// A literal IPv4 or IPv6 address: to look up a name would block.
    case address(String, port: UInt16)

    /// - Returns: nil for what needs more than a plain connection: TLS, or the look-up of a name.
    package init?(url: String) {
        guard url.hasPrefix("http://") else { return nil }
        var host = url.dropFirst("http://".count).prefix { $0 != "/" }
        var port: UInt16? = 80
        if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
            port = UInt16(host[host.index(after: colon)...])
            host = host[..<colon]
        }
        let name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
        guard let port else { return nil }
        self = .address(name, port: port)
        guard socketAddress != nil else { return nil }
    }

    /// The value of a `Host` field.
    package var host: String {
        switch self {
        case .unix: "localhost"
        case .address(let name, let port): name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)"
        }
    }

    /// - Returns: A socket that does not block, connected or about to be; the caller's to close.
    func connect() throws(HTTPCallError) -> Int32 {
        guard let (address, length) = socketAddress else { throw .unreachable("the socket's path is too long") }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = socket(Int32(address.ss_family), kind, 0)
        guard socket >= 0 else { throw .unreachable("no socket: \(String(cString: strerror(errno)))") }
        if address.ss_family != sa_family_t(AF_UNIX) {
            // A call is one small write whose answer is waited for.
            var on: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        let code = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket, $0, length) }
        }
        // EAGAIN: the backlog of a unix socket is full, so it accepts nobody.
        guard code == 0 || errno == EINPROGRESS else {
            let reason = String(cString: strerror(errno))
            Glibc.close(socket)
            throw .unreachable("could not connect: \(reason)")
        }
        return socket
    }

    private var socketAddress: (sockaddr_storage, socklen_t)? {
        var storage = sockaddr_storage()
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8) + [0]
            guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { return nil }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            return Self.store(address, in: &storage)
        case .address(let name, let port):
            var four = sockaddr_in()
            if inet_pton(AF_INET, name, &four.sin_addr) == 1 {
                four.sin_family = sa_family_t(AF_INET)
                four.sin_port = port.bigEndian
                return Self.store(four, in: &storage)
            }
            var six = sockaddr_in6()
            guard inet_pton(AF_INET6, name, &six.sin6_addr) == 1 else { return nil }
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            return Self.store(six, in: &storage)
        }
    }

    private static func store<Address>(
        _ address: Address, in storage: inout sockaddr_storage
    ) -> (sockaddr_storage, socklen_t) {
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
        }
        return (storage, socklen_t(MemoryLayout<Address>.size))
    }
}
