// Asks a ZooKeeper server how it is, with the one word that every server answers by default.

import Foundation
import Glibc

enum FourLetterWord {
    /// Blocks for at most the time given, name look-up apart.
    static func srvr(host: String, port: Int, timeoutSeconds: Int = 3) -> HostFacts.ZooKeeperServer.Answer {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0, let first = list else {
            return .unreachable(String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next: UnsafeMutablePointer<addrinfo>? = first
        let deadline = Date().addingTimeInterval(Double(timeoutSeconds))
        while let entry = next {
            switch ask(entry.pointee, until: deadline) {
            case .success(let text): return judge(text)
            case .failure(let fault): reason = String(cString: strerror(fault.code))
            }
            next = entry.pointee.ai_next
        }
        return .unreachable(reason)
    }

    /// What the server's words mean.
    static func judge(_ text: String) -> HostFacts.ZooKeeperServer.Answer {
        if text.contains("not currently serving requests") { return .notServing }
        for line in text.split(separator: "\n") where line.hasPrefix("Mode: ") {
            return .serving(mode: line.dropFirst("Mode: ".count).trimmingCharacters(in: .whitespaces))
        }
        return .silent
    }

    private struct Fault: Error { var code: Int32 }

    private static func ask(_ address: addrinfo, until deadline: Date) -> Result<String, Fault> {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(address.ai_family, type, 0)
        guard socket >= 0 else { return .failure(Fault(code: errno)) }
        defer { close(socket) }
        if connect(socket, address.ai_addr, address.ai_addrlen) != 0 {
            guard errno == EINPROGRESS else { return .failure(Fault(code: errno)) }
            guard wait(socket, POLLOUT, until: deadline) else { return .failure(Fault(code: ETIMEDOUT)) }
            var fault: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &fault, &length)
            if fault != 0 { return .failure(Fault(code: fault)) }
        }
        let word = Array("srvr".utf8)
        guard write(socket, word, word.count) == word.count else { return .failure(Fault(code: errno)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while answer.count < 64 << 10, wait(socket, POLLIN, until: deadline) {
            let count = read(socket, &buffer, buffer.count)
            if count <= 0 { break }
            answer += buffer[..<count]
        }
        return .success(String(decoding: answer, as: UTF8.self))
    }

    private static func wait(_ socket: Int32, _ event: Int32, until deadline: Date) -> Bool {
        var entry = pollfd(fd: socket, events: Int16(event), revents: 0)
        let left = max(0, deadline.timeIntervalSinceNow)
        return poll(&entry, 1, Int32(left * 1000)) > 0
    }
}
