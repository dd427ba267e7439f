// Turning a call to the engine into a plain connection, for a program's input and output.

import CLinux
import Glibc
import Mailbox

/// What the engine makes of a connection when somebody attaches to a container or starts a program in one.
package struct DockerAttachment: Sendable {
    /// A socket; the caller's to close. Framed (``DockerLogDecoder``) unless there is a terminal.
    package var descriptor: Int32
    /// What came with the answer's head.
    package var received: [UInt8]

    /// Sends a request and waits until the engine hands the connection over.
    ///
    /// - Parameter timeout: For the engine's answer; after it the connection may last.
    package static func open(
        socketPath: String, request: [UInt8], timeout: Duration
    ) async throws(DockerError) -> DockerAttachment {
        let opening = DockerOpening()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                opening.start(socketPath: socketPath, request: request, timeout: timeout, continuation)
            }
        } onCancel: {
            opening.cancel()
        }
        switch result {
        case .success(let attachment): return attachment
        case .failure(let error): throw Task.isCancelled ? .cancelled : error
        }
    }
}

/// A thread that waits for the engine's answer.
final class DockerOpening: Sendable {
    typealias Opened = CheckedContinuation<Result<DockerAttachment, DockerError>, Never>

    private static let headBytesMax = 64 << 10

    private let isCancelled = Locked(false)
    private let wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

    deinit { Glibc.close(wakeup) }

    func start(socketPath: String, request: [UInt8], timeout: Duration, _ opened: Opened) {
        DedicatedThread.start(named: "docker-open") { [self] in
            let deadline = ContinuousClock.now + timeout
            opened.resume(
                returning: Result { () throws(DockerError) in
                    let socket = try Self.connect(to: socketPath)
                    do throws(DockerError) {
                        return DockerAttachment(
                            descriptor: socket, received: try open(socket, request, until: deadline))
                    } catch {
                        Glibc.close(socket)
                        throw error
                    }
                })
        }
    }

    func cancel() {
        isCancelled.withLock { $0 = true }
        var one: UInt64 = 1
        _ = Glibc.write(wakeup, &one, 8)
    }

    // MARK: On the thread

    /// A socket that does not block.
    static func connect(to path: String) throws(DockerError) -> Int32 {
        do throws(HTTPCallError) { return try CallEndpoint.unix(path).connect() } catch { throw DockerError(error) }
    }

    /// - Returns: What came after the answer's head.
    private func open(
        _ socket: Int32, _ request: [UInt8], until deadline: ContinuousClock.Instant
    ) throws(DockerError) -> [UInt8] {
        var rest = request[...]
        while !rest.isEmpty {
            try waitFor(socket, POLLOUT, until: deadline)
            let count = rest.withUnsafeBytes { Glibc.write(socket, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else { try check(count) }
        }
        var received: [UInt8] = []
        while true {
            if let (status, headEnd) = HTTPHead.find(in: received) {
                let body = Array(received[headEnd...])
                guard status == 101 || status == 200 else {
                    throw .refused(status: status, message: try reason(socket, body, until: deadline))
                }
                return body
            }
            guard received.count < Self.headBytesMax else { throw .malformed("a response head without an end") }
            guard let chunk = try receive(socket, until: deadline) else {
                throw .unreachable("it closed the connection")
            }
            received += chunk
        }
    }

    /// The engine's error text: an object, whatever surrounds it.
    private func reason(
        _ socket: Int32, _ start: [UInt8], until deadline: ContinuousClock.Instant
    ) throws(DockerError) -> String {
        var body = start
        while body.count < Self.headBytesMax, body.last(where: { $0 > 0x20 }) != UInt8(ascii: "}") {
            guard let chunk = try? receive(socket, until: min(deadline, .now + .seconds(1))) else { break }
            body += chunk
        }
        if let from = body.firstIndex(of: UInt8(ascii: "{")), let to = body.lastIndex(of: UInt8(ascii: "}")), from < to
        {
            body = Array(body[from...to])
        }
        return DockerAnswers.message(body)
    }

    private func receive(_ socket: Int32, until deadline: ContinuousClock.Instant) throws(DockerError) -> [UInt8]? {
        while true {
            try waitFor(socket, POLLIN, until: deadline)
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            let count = Glibc.read(socket, &buffer, buffer.count)
            if count > 0 { return Array(buffer.prefix(count)) }
            if count == 0 { return nil }
            try check(count)
        }
    }

    private func waitFor(
        _ socket: Int32, _ event: Int32, until deadline: ContinuousClock.Instant
    ) throws(DockerError) {
        while true {
            if isCancelled.withLock({ $0 }) { throw .cancelled }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .unreachable("timed out") }
            var polled = [
                pollfd(fd: socket, events: Int16(event), revents: 0),
                pollfd(fd: wakeup, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up))))
            if polled[0].revents != 0 { return }
        }
    }

    private func check(_ count: Int) throws(DockerError) {
        guard count < 0, errno == EINTR || errno == EAGAIN else {
            throw .unreachable(count == 0 ? "it closed the connection" : String(cString: strerror(errno)))
        }
    }
}
