// One non-blocking connection of the fleet: bytes out, bytes in.
import Glibc

/// Where a master listens. The fleet speaks to addresses; names are looked up by who starts it.
public struct MasterAddress: Hashable, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int
    /// As `connect` wants it.
    let address: in_addr_t

    /// - Returns: `nil` unless `host` is an IPv4 address or `localhost`.
    public init?(host: String, port: Int) {
        var parsed = in_addr()
        guard (1...65_535).contains(port), inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &parsed) == 1
        else { return nil }
        self.host = host
        self.port = port
        address = parsed.s_addr
    }

    /// Reads `http://host:port`, with or without more behind it.
    public init?(url: String) {
        var rest = Substring(url)
        if rest.hasPrefix("http://") { rest = rest.dropFirst("http://".count) }
        if rest.hasPrefix("//") { rest = rest.dropFirst(2) }
        let parts = rest.prefix { $0 != "/" }.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { return nil }
        self.init(host: String(parts[0]), port: port)
    }

    var isLoopback: Bool { UInt32(bigEndian: address) >> 24 == 127 }

    public var description: String { "\(host):\(port)" }
}

/// A connected, or connecting, TCP socket. Whoever owns it closes it.
struct Wire {
    let descriptor: Int32
    private var output: [UInt8] = []
    private var sent = 0

    enum Reading {
        case bytes(Int)
        case nothingYet
        case closed
        case failed(Int32)
    }

    /// - Parameter host: On a master of this host, a loopback address of its own for every two thousand agents: a server
    ///   takes only so many connections from one address, and real agents have one each.
    /// - Returns: `nil` if the system has no socket left.
    init?(to master: MasterAddress, fromHost host: Int = 0) {
        let descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        if master.isLoopback { Self.bind(descriptor, toLoopback: host) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(master.port).bigEndian)
        address.sin_addr.s_addr = master.address
        // In progress, or refused at once: either shows in what epoll reports next.
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func bind(_ descriptor: Int32, toLoopback host: Int) {
        var one: Int32 = 1
        // The port is chosen at connect, when the whole of the connection's address is known.
        let bindAddressNoPort: Int32 = 24
        setsockopt(descriptor, Int32(IPPROTO_IP), bindAddressNoPort, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0101 + UInt32(host % 200)).bigEndian
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    var hasOutput: Bool { sent < output.count }

    mutating func queue(_ bytes: [UInt8]) {
        if sent == output.count {
            output = bytes
            sent = 0
        } else {
            output.append(contentsOf: bytes)
        }
    }

    /// Sends what the kernel takes.
    ///
    /// - Returns: 0, or the errno of a broken connection.
    mutating func flush() -> Int32 {
        while sent < output.count {
            let count = output.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                return 0
            } else if errno != EINTR {
                return errno
            }
        }
        output = []
        sent = 0
        return 0
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        if count == 0 { return .closed }
        return errno == EAGAIN || errno == EINTR ? .nothingYet : .failed(errno)
    }
}
