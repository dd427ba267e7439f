// Where the status is served if nobody says, and which address stands for it in the web page of the masters.
import Glibc
import MasterDetection
import ZooKeeper

enum StatusPlace {
    private static let loopback = "127.0.0.1"

    /// The address to listen at: the configured one, or the own address of the network that leads to the masters. With
    /// masters on this host that is loopback; with masters elsewhere people's browsers can reach it as they reach those.
    ///
    /// Blocks for as long as the resolver takes.
    static func listening(_ status: JenkinsConfiguration.StatusAddress, towards master: MasterLocation) -> String {
        status.host.isEmpty ? own(towards: master) : status.host
    }

    /// The host in the address that is told to the masters and to commands: never one that means "everywhere".
    static func shown(
        _ status: JenkinsConfiguration.StatusAddress, listening host: String, towards master: MasterLocation
    ) -> String {
        if !status.hostname.isEmpty { return status.hostname }
        let isEverywhere = ["0.0.0.0", "::", "[::]"].contains(host)
        let shown = isEverywhere ? own(towards: master) : host
        return shown.contains(":") && !shown.hasPrefix("[") ? "[\(shown)]" : shown
    }

    static func isOpen(_ host: String) -> Bool { !host.hasPrefix("127.") && host != "localhost" && host != "::1" }

    private static func own(towards master: MasterLocation) -> String {
        let place: (host: String, port: String)
        switch master {
        case .address(let host, let port):
            place = (host, "\(port)")
        case .zooKeeper(let url):
            let server = url.servers.first ?? ""
            let colon = server.lastIndex(of: ":") ?? server.endIndex
            place = (String(server[..<colon]), String(server[colon...].dropFirst()))
        }
        return own(towards: place.host, place.port) ?? loopback
    }

    /// The address that packets to there would carry. Nothing is sent.
    static func own(towards host: String, _ port: String) -> String? {
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port.isEmpty ? "5050" : port, &hints, &found) == 0, let found else { return nil }
        defer { freeaddrinfo(found) }
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard connect(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else { return nil }
        var own = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard code == 0 else { return nil }
        let address = UInt32(bigEndian: own.sin_addr.s_addr)
        return (0..<4).map { String((address >> (24 - 8 * $0)) & 255) }.joined(separator: ".")
    }
}
