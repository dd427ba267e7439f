// Ports that nobody listens on.

import Glibc

/// Finds ports of this host that are free to listen on.
package enum FreePorts {
    /// Below the kernel's range for outgoing connections (32768 and up) and below Mesos's default task ports (31000 and
    /// up), so that neither takes a port between our look and the start of the process that listens.
    static let range = 15_000...30_000

    /// Distinct free ports.
    ///
    /// - Throws: ``ClusterError/host(_:)`` when too few are free.
    package static func pick(_ count: Int) throws(ClusterError) -> [Int] {
        var found: [Int] = []
        for _ in 0..<10_000 where found.count < count {
            let port = Int.random(in: range)
            if !found.contains(port), isFree(port) { found.append(port) }
        }
        guard found.count == count else {
            throw .host("found \(found.count) free ports of \(count) in \(range.lowerBound)-\(range.upperBound)")
        }
        return found
    }

    /// Whether a listener could bind to `port` on the loopback address now.
    static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                    && listen(descriptor, 1) == 0
            }
        }
    }
}
