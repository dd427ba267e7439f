// The roads between processes: forwarders of TCP connections that can be cut, stalled or made slow.

import Glibc
import Mailbox

/// How a road treats what travels on it.
enum RoadCondition: Hashable, Sendable {
    case open
    /// Every connection is closed, and new ones as soon as they come.
    case cut
    /// Connections stay, nothing passes: as if a cable were pulled.
    case stalled
    /// Everything passes so much later.
    case slow(milliseconds: Int)
}

/// Listens on a port of its own and forwards each connection to another port of this host.
final class Road: Sendable {
    private struct Orders: Sendable {
        var condition = RoadCondition.open
        var isClosed = false
    }

    /// What callers connect to.
    let port: Int
    private let orders = Locked(Orders())
    private let bell: Int32

    /// - Throws: ``RoadError`` if the host refuses a socket.
    init(to target: Int) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0, let port = Self.listen(listener) else { throw RoadError(errno: errno) }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw RoadError(errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        self.port = port
        bell = ends[1]
        let (orders, hearing) = (orders, ends[0])
        DedicatedThread.start(named: "road") {
            var traffic = RoadTraffic(listener: listener, hearing: hearing, target: target)
            while true {
                let (condition, isClosed) = orders.withLock { ($0.condition, $0.isClosed) }
                if isClosed { break }
                traffic.pass(condition)
            }
            traffic.close()
        }
    }

    func set(_ condition: RoadCondition) {
        orders.withLock { $0.condition = condition }
        ring()
    }

    func close() {
        orders.withLock { $0.isClosed = true }
        ring()
    }

    private func ring() {
        var byte: UInt8 = 1
        _ = write(bell, &byte, 1)
    }

    private static func listen(_ descriptor: Int32) -> Int? {
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 256) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { return nil }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

struct RoadError: Error { var errno: Int32 }

func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return address
}
