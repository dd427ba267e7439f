// Under which address and name this host is known.

import Glibc

enum HostAddress {
    /// The address that packets to the outside would carry; loopback on a host without a network. Nothing is sent.
    static func outward() -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return "127.0.0.1" }
        defer { close(descriptor) }
        var far = sockaddr_in()
        far.sin_family = sa_family_t(AF_INET)
        far.sin_port = in_port_t(53).bigEndian
        far.sin_addr.s_addr = in_addr_t(0xC000_0201).bigEndian  // 192.0.2.1, reserved for documentation.
        var own = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isKnown = withUnsafePointer(to: &far) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) == 0 }
        }
        guard isKnown else { return "127.0.0.1" }
        let code = withUnsafeMutablePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard code == 0 else { return "127.0.0.1" }
        let address = UInt32(bigEndian: own.sin_addr.s_addr)
        return (0..<4).map { String((address >> (24 - 8 * $0)) & 255) }.joined(separator: ".")
    }

    /// The name for an address; the address itself if it has none. Blocks for as long as the resolver takes.
    static func name(of address: String) -> String {
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        guard inet_pton(AF_INET, address, &own.sin_addr) == 1 else { return address }
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withUnsafePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo(
                    $0, socklen_t(MemoryLayout<sockaddr_in>.size), &buffer, socklen_t(buffer.count), nil, 0, NI_NAMEREQD
                )
            }
        }
        guard code == 0 else { return address }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }
}
