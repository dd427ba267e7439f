// Which address and name a master tells others: given, or found out from the host's network interfaces.
import Glibc

enum HostAddress {
    /// The IP address others are told.
    static func advertised(_ configuration: MasterConfiguration) throws(MasterStartError) -> String {
        if let ip = configuration.advertiseIP { return ip }
        if configuration.ip != "0.0.0.0", configuration.ip != "::" { return configuration.ip }
        guard let found = firstPublicIPv4() else {
            throw .addressUnknown("no network interface has an IPv4 address besides loopback")
        }
        return found
    }

    /// The name others are told: clients are redirected to it, so it must be one they can resolve.
    static func name(of ip: String, _ configuration: MasterConfiguration) -> String {
        if let hostname = configuration.hostname { return hostname }
        guard configuration.hostnameLookup else { return ip }
        return lookUp(ip) ?? ip
    }

    private static func firstPublicIPv4() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0, let first = list else { return nil }
        defer { freeifaddrs(first) }
        var next: UnsafeMutablePointer<ifaddrs>? = first
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET),
                entry.pointee.ifa_flags & UInt32(IFF_LOOPBACK) == 0,
                entry.pointee.ifa_flags & UInt32(IFF_UP) != 0
            else { continue }
            if let text = text(of: address, flags: NI_NUMERICHOST) { return text }
        }
        return nil
    }

    /// The name of an address, if it leads back to the same address.
    private static func lookUp(_ ip: String) -> String? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        guard inet_pton(AF_INET, ip, &address.sin_addr) == 1 else { return nil }
        let name = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { text(of: $0, flags: NI_NAMEREQD) }
        }
        guard let name, resolves(name, to: ip) else { return nil }
        return name
    }

    private static func resolves(_ name: String, to ip: String) -> Bool {
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let first = list else { return false }
        defer { freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next {
            if let address = entry.pointee.ai_addr, text(of: address, flags: NI_NUMERICHOST) == ip { return true }
            next = entry.pointee.ai_next
        }
        return false
    }

    private static func text(of address: UnsafePointer<sockaddr>, flags: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard getnameinfo(address, length, &buffer, socklen_t(buffer.count), nil, 0, flags) == 0 else { return nil }
        return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    }
}
