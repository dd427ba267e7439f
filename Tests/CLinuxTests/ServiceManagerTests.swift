// What a service manager hears of a daemon, on real sockets.

import CLinux
import Glibc
import Processes
import Testing

struct ServiceManagerTests {
    private let waiting = ServiceManager.Standing(isReady: false, status: "waits for ZooKeeper")
    private let leading = ServiceManager.Standing(isReady: true, status: "leads, 2 agents")

    @Test
    func `a service manager hears of readiness once, of the status when it changes, and a sign of life each time`()
        throws
    {
        let socket = try NotifySocket(isAbstract: false)
        let manager = try #require(
            ServiceManager(environment: ["NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "30000000"]))
        manager.report(waiting)
        #expect(
            socket.received() == [["EXTEND_TIMEOUT_USEC=90000000", "STATUS=waits for ZooKeeper", "WATCHDOG=1"]])
        manager.report(leading)
        #expect(socket.received() == [["READY=1", "STATUS=leads, 2 agents", "WATCHDOG=1"]])
        manager.report(leading)
        #expect(socket.received() == [["WATCHDOG=1"]])
        manager.report(waiting)
        #expect(socket.received() == [["STATUS=waits for ZooKeeper", "WATCHDOG=1"]])
        manager.reportStopping("stops")
        manager.report(leading)
        #expect(socket.received() == [["STOPPING=1", "STATUS=stops"]])
    }

    @Test func `the socket may have a name in the abstract namespace`() throws {
        let socket = try NotifySocket(isAbstract: true)
        let manager = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": socket.address]))
        manager.report(leading)
        #expect(socket.received() == [["READY=1", "STATUS=leads, 2 agents"]])
    }

    @Test func `without a watchdog, or with that of another process, a steady service is silent`() throws {
        let socket = try NotifySocket(isAbstract: true)
        let environment = [
            "NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid() + 1)",
        ]
        let manager = try #require(ServiceManager(environment: environment))
        manager.report(leading)
        manager.report(leading)
        #expect(manager.watchdog == nil)
        #expect(socket.received() == [["READY=1", "STATUS=leads, 2 agents"]])
    }

    @Test func `what a full queue did not take is told again`() throws {
        let socket = try NotifySocket(isAbstract: true)
        let manager = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": socket.address]))
        var sent = 0
        while clinux_notify(socket.address, "X=1", 3) == 0, sent < 100_000 { sent += 1 }
        manager.report(leading)
        #expect(!socket.received().contains { $0.contains("READY=1") })
        manager.report(leading)
        #expect(socket.received() == [["READY=1", "STATUS=leads, 2 agents"]])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a loop that shows nothing gives no sign of life`() async throws {
        let socket = try NotifySocket(isAbstract: true)
        let manager = try #require(
            ServiceManager(environment: ["NOTIFY_SOCKET": socket.address, "WATCHDOG_USEC": "4000"]))
        let (looks, look) = AsyncStream.makeStream(of: Void.self)
        let following = Task {
            await manager.follow {
                look.yield()
                return nil
            }
        }
        var count = 0
        for await _ in looks {
            count += 1
            if count == 5 { break }
        }
        following.cancel()
        await following.value
        #expect(socket.received().isEmpty)
    }

    @Test func `a status is one line`() throws {
        let socket = try NotifySocket(isAbstract: true)
        let manager = try #require(ServiceManager(environment: ["NOTIFY_SOCKET": socket.address]))
        manager.report(.init(isReady: false, status: "a name with\nREADY=1"))
        #expect(socket.received() == [["EXTEND_TIMEOUT_USEC=90000000", "STATUS=a name with READY=1"]])
    }

    @Test func `without a socket, or with one of another kind, nobody is told`() {
        #expect(ServiceManager(environment: [:]) == nil)
        #expect(ServiceManager(environment: ["NOTIFY_SOCKET": "vsock:2:1"]) == nil)
        #expect(clinux_notify("/no/such/socket", "X=1", 3) == ENOENT)
        #expect(clinux_notify("@" + String(repeating: "n", count: 200), "X=1", 3) == ENAMETOOLONG)
    }
}

/// A bound datagram socket, as a service manager has it.
private final class NotifySocket {
    /// What stands in NOTIFY_SOCKET.
    let address: String
    private let descriptor: Int32

    init(isAbstract: Bool) throws {
        let name = "mini-notify-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        address = isAbstract ? "@\(name)" : "/tmp/\(name)"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var bound = sockaddr_un()
        bound.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(address.utf8)
        withUnsafeMutableBytes(of: &bound.sun_path) { path in
            path.copyBytes(from: bytes)
            if isAbstract { path[0] = 0 }
        }
        let size = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
        let outcome = withUnsafePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(size)) }
        }
        try #require(outcome == 0)
    }

    deinit {
        close(descriptor)
        if address.hasPrefix("/") { unlink(address) }
    }

    /// All datagrams that wait, as lines.
    func received() -> [[String]] {
        var all: [[String]] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return all }
            all.append(String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init))
        }
    }
}
