// `/files/...` on the master: the only file there is its own log.
import Glibc
import HTTPServer
import MesosProtocol

/// Shows the master's log under the virtual path `/master/log`.
struct MasterFiles: Sendable {
    static let virtualPath = "/master/log"
    /// As much as one read answers, whatever was asked for; 16 pages, as in Apache Mesos.
    static let readBytesMax = 16 * 4096
    /// A download keeps the file's end: what an operator wants of a log that grew too large for one answer.
    static let downloadBytesMax = 64 << 20

    /// Nil: the log goes to standard error only, and there is no file.
    var log: String?

    enum Refusal: Error { case notFound, isDirectory }

    struct Piece: Equatable {
        var size: UInt64
        var bytes: [UInt8]
    }

    // MARK: Endpoints

    func browse(_ request: RoutedRequest) -> HTTPResponse {
        guard let path = request.http.query("path"), !path.isEmpty else { return Self.missingPath }
        guard list(path) != nil else { return .text(404, "") }
        return request.json(Array("[]".utf8))
    }

    func read(_ request: RoutedRequest) -> HTTPResponse {
        guard let path = request.http.query("path"), !path.isEmpty else { return Self.missingPath }
        var numbers: [String: Int] = [:]
        for name in ["offset", "length"] {
            guard let text = request.http.query(name) else { continue }
            guard let number = Int(text) else { return .text(400, "Failed to parse \(name): '\(text)'.\n") }
            guard number >= -1 else { return .text(400, "Negative \(name) provided: \(number).\n") }
            numbers[name] = number
        }
        let offset = numbers["offset"] ?? -1
        let length = numbers["length"] ?? -1
        do throws(Refusal) {
            let wanted = offset < 0 ? 0 : length < 0 ? Self.readBytesMax : min(length, Self.readBytesMax)
            let piece = try self.piece(path, offset: UInt64(max(0, offset)), length: wanted)
            let start = offset < 0 ? Int(piece.size) : min(offset, Int(piece.size))
            var json = JSONWriter()
            json.object { json in
                json.member("data", String(decoding: piece.bytes, as: UTF8.self))
                json.member("offset", start)
            }
            return request.json(json.bytes)
        } catch {
            return Self.response(error)
        }
    }

    func download(_ request: RoutedRequest) -> HTTPResponse {
        guard let path = request.http.query("path"), !path.isEmpty else { return Self.missingPath }
        do throws(Refusal) {
            let size = try piece(path, offset: 0, length: 0).size
            let start = size > UInt64(Self.downloadBytesMax) ? size - UInt64(Self.downloadBytesMax) : 0
            let bytes = try piece(path, offset: start, length: Self.downloadBytesMax).bytes
            let name = (log ?? "log").split(separator: "/").last.map(String.init) ?? "log"
            return .bytes(
                200, bytes, contentType: "application/octet-stream",
                headers: [
                    (
                        "Content-Disposition",
                        "attachment; filename=\(name.filter { $0.isLetter || $0.isNumber || ".-_".contains($0) })"
                    )
                ])
        } catch {
            return Self.response(error)
        }
    }

    func debug(_ request: RoutedRequest) -> HTTPResponse {
        var json = JSONWriter()
        json.object { json in
            if let log { json.member(Self.virtualPath, log) }
        }
        return request.json(json.bytes)
    }

    private static let missingPath = HTTPResponse.text(400, "Expecting 'path=value' in query.\n")

    private static func response(_ refusal: Refusal) -> HTTPResponse {
        switch refusal {
        case .notFound: .text(404, "")
        case .isDirectory: .text(400, "Cannot read a directory.\n")
        }
    }

    // MARK: Files

    /// What is in the directory of that virtual path. A plain file has nothing in it. Nil: there is no such path.
    func list(_ path: String) -> [V1FileInfo]? {
        log != nil && Self.isLog(path) ? [] : nil
    }

    /// Part of a file, and the size of the whole.
    func piece(_ path: String, offset: UInt64, length: Int) throws(Refusal) -> Piece {
        guard let log, Self.isLog(path) else { throw .notFound }
        let descriptor = open(log, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .notFound }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .notFound }
        if status.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notFound }
        let size = UInt64(max(0, status.st_size))
        guard offset < size, length > 0 else { return Piece(size: size, bytes: []) }
        let count = Int(min(UInt64(length), size - offset))
        var buffer = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let part = buffer.withUnsafeMutableBytes { bytes in
                pread(descriptor, bytes.baseAddress?.advanced(by: done), count - done, off_t(offset) + off_t(done))
            }
            if part < 0 && errno == EINTR { continue }
            guard part > 0 else { break }
            done += part
        }
        return Piece(size: size, bytes: Array(buffer[..<done]))
    }

    private static func isLog(_ path: String) -> Bool {
        path == virtualPath || path == virtualPath + "/"
    }
}
