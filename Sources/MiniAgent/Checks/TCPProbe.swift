// Opens a TCP connection and closes it again: what a TCP check is.

import CLinux
import Glibc
import Resources

enum TCPProbe {
    /// How often a connection that is under way is looked at. On loopback it is there at once.
    private static let pauseMax: Duration = .milliseconds(50)

    static func run(host: String, port: UInt32, namespace: String?, timeout: Duration?) async -> CheckOutcome {
        guard let port = UInt16(exactly: port) else { return .failed("\(port) is no port") }
        let isIPv6 = host.contains(":")
        let family = isIPv6 ? AF_INET6 : AF_INET
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        var descriptor: Int32 = -1
        if let namespace {
            let code = clinux_socket_in_namespace(namespace, family, type, 0, &descriptor)
            if code != 0 { return .notRun("cannot enter \(namespace): \(String(cString: strerror(code)))") }
        } else {
            descriptor = socket(family, type, 0)
            if descriptor < 0 { return .notRun("no socket: \(String(cString: strerror(errno)))") }
        }
        defer { close(descriptor) }
        switch connect(descriptor, host, port) {
        case 0: return .connected(true)
        case EINPROGRESS: return await outcome(of: descriptor, timeout)
        case EADDRNOTAVAIL, EAGAIN, ENOMEM: return .notRun("cannot connect: \(String(cString: strerror(errno)))")
        default: return .connected(false)
        }
    }

    private static func connect(_ descriptor: Int32, _ host: String, _ port: UInt16) -> Int32 {
        func attempt<Address>(_ address: Address) -> Int32 {
            withUnsafeBytes(of: address) { bytes in
                guard let base = bytes.baseAddress else { return EINVAL }
                let result = Glibc.connect(
                    descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
                return result == 0 ? 0 : errno
            }
        }
        if host.contains(":") {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { return EINVAL }
            return attempt(address)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return EINVAL }
        return attempt(address)
    }

    private static func outcome(of descriptor: Int32, _ timeout: Duration?) async -> CheckOutcome {
        let clock = ContinuousClock()
        let deadline = timeout.map { clock.now + $0 }
        var pause = Duration.milliseconds(1)
        while true {
            var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if Glibc.poll(&poll, 1, 0) > 0 {
                var code: Int32 = 0
                var size = socklen_t(MemoryLayout<Int32>.size)
                let isKnown = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0
                return .connected(isKnown && code == 0)
            }
            if let deadline, clock.now >= deadline { return .failed("TCP connection timed out") }
            do { try await clock.sleep(for: pause) } catch { return .notRun("cancelled") }
            pause = min(pause * 2, pauseMax)
        }
    }
}
