// Asks a master for a document and takes the time.
import Glibc
import Mailbox

/// What one GET took.
public struct ProbeAnswer: Hashable, Sendable {
    public var status: Int
    public var bodyBytes: Int
    public var etag: String?
    /// Until the first byte of the answer, and until the last.
    public var firstByteSeconds: Double
    public var seconds: Double
}

/// A blocking HTTP client of a few lines: what it measures is the server's.
public enum StateProbe {
    /// - Parameters:
    ///   - path: With the query.
    ///   - etag: Asks whether the document is still this one.
    /// - Throws: ``LoadTestError/master(_:)``.
    public static func get(
        _ path: String, from master: MasterAddress, etag: String? = nil, within limit: Duration = .seconds(60)
    ) async throws(LoadTestError) -> ProbeAnswer {
        let result: Result<ProbeAnswer, LoadTestError> = await withCheckedContinuation { continuation in
            DedicatedThread.start(named: "probe") {
                do throws(LoadTestError) {
                    continuation.resume(returning: .success(try ask(path, master, etag, limit)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    private static func ask(
        _ path: String, _ master: MasterAddress, _ etag: String?, _ limit: Duration
    ) throws(LoadTestError) -> ProbeAnswer {
        guard var wire = Wire(to: master) else { throw .host("no socket: \(String(cString: strerror(errno)))") }
        defer { close(wire.descriptor) }
        let end = MonotonicClock.seconds + Double(limit.components.seconds)
        try wait(wire.descriptor, Int16(POLLOUT), until: end, master)
        let start = MonotonicClock.seconds
        let condition = etag.map { "If-None-Match: \($0)\r\n" } ?? ""
        wire.queue(Array("GET \(path) HTTP/1.1\r\nHost: \(master)\r\n\(condition)Connection: close\r\n\r\n".utf8))
        guard wire.flush() == 0, !wire.hasOutput else { throw .master("\(master) takes no request") }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var reader = ResponseReader()
        var answer = ProbeAnswer(status: 0, bodyBytes: 0, etag: nil, firstByteSeconds: 0, seconds: 0)
        var isOver = false
        var isMalformed = false
        while !isOver {
            switch wire.read(into: buffer) {
            case .bytes(let count):
                if answer.firstByteSeconds == 0 { answer.firstByteSeconds = MonotonicClock.seconds - start }
                reader.read(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { part in
                    switch part {
                    case .head(let status): answer.status = status
                    case .body(let bytes): answer.bodyBytes += bytes.count
                    case .end: isOver = true
                    case .malformed: isMalformed = true
                    }
                }
                guard !isMalformed else { throw .master("the answer of \(master) is not HTTP") }
            case .nothingYet: try wait(wire.descriptor, Int16(POLLIN), until: end, master)
            case .closed: throw .master("\(master) closed the connection before the end of its answer")
            case .failed(let code): throw .master("\(master): \(String(cString: strerror(code)))")
            }
        }
        answer.seconds = MonotonicClock.seconds - start
        answer.etag = reader.headers["etag"]
        return answer
    }

    private static func wait(
        _ descriptor: Int32, _ events: Int16, until end: Double, _ master: MasterAddress
    ) throws(LoadTestError) {
        var waiting = pollfd(fd: descriptor, events: events, revents: 0)
        let left = max(0, min(end - MonotonicClock.seconds, 600))
        guard poll(&waiting, 1, Int32(left * 1_000)) > 0 else { throw .master("\(master) does not answer in time") }
    }
}
