// `/files/read`, `/files/browse`, `/files/download` and `/files/debug`: sandboxes over HTTP.

import Glibc
import HTTPServer
import Mailbox
import MesosProtocol

struct FilesAPI: Sendable {
    /// As much as one read answers, whatever was asked for; 16 pages, as in Apache Mesos.
    private static let readBytesMax = 16 * 4096
    /// Larger files are streamed.
    private static let wholeBytesMax = 1 << 20
    private static let entriesMax = 10_000

    let files: SandboxFiles

    // MARK: Read

    /// `?path=P&offset=O&length=L`. Offset -1 asks for the size only.
    func read(_ request: HTTPRequest) -> HTTPResponse {
        guard let path = request.query("path"), !path.isEmpty else { return Self.missingPath }
        var offset = -1
        if let text = request.query("offset") {
            guard let number = Int(text), number >= -1 else {
                return .text(400, "Failed to parse offset: '\(text)'.\n")
            }
            offset = number
        }
        var length = Self.readBytesMax
        if let text = request.query("length") {
            guard let number = Int(text), number >= -1 else {
                return .text(400, "Failed to parse length: '\(text)'.\n")
            }
            if number >= 0 { length = min(number, Self.readBytesMax) }
        }
        do throws(SandboxFiles.Refusal) {
            let file = try files.openFile(path)
            if offset == -1 {
                return json(.members([("data", .string("")), ("offset", .integer(file.status.st_size))]), request)
            }
            let size = Int(file.status.st_size)
            // Behind the end there is nothing to say but where the end is; a pailer goes on from there.
            guard offset < size else {
                return json(.members([("data", .string("")), ("offset", .integer(size))]), request)
            }
            return json(Self.page(Self.bytes(file, offset: offset, count: length), offset: offset), request)
        } catch {
            return Self.response(error)
        }
    }

    /// Bytes as JSON text. A character that is cut off at the end is left for the next read. Bytes that are no UTF-8
    /// become replacement characters, and a member `length` then says how many bytes there were.
    static func page(_ bytes: [UInt8], offset: Int) -> JSONValue {
        var exact = bytes[...]
        if String(validating: exact, as: UTF8.self) == nil {
            for cut in 1...3 where cut < bytes.count {
                let shorter = bytes.dropLast(cut)
                // Only the start of a character may be cut off.
                guard characterBytes(startingWith: bytes[shorter.endIndex]) > cut else { continue }
                if String(validating: shorter, as: UTF8.self) != nil {
                    exact = shorter
                    break
                }
            }
        }
        let isExact = String(validating: exact, as: UTF8.self) != nil
        return .members([
            ("data", .string(String(decoding: exact, as: UTF8.self))), ("offset", .integer(offset)),
            ("length", isExact ? nil : .integer(exact.count)),
        ])
    }

    /// How long a UTF-8 character is; 0 if none starts so.
    private static func characterBytes(startingWith byte: UInt8) -> Int {
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    private static func bytes(_ file: SandboxFiles.Handle, offset: Int, count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let part = buffer.withUnsafeMutableBytes { bytes in
                pread(file.descriptor, bytes.baseAddress?.advanced(by: done), count - done, offset + done)
            }
            if part < 0 && errno == EINTR { continue }
            guard part > 0 else { break }
            done += part
        }
        return Array(buffer[..<done])
    }

    // MARK: Browse

    /// `?path=P`: what a directory holds. A plain file holds nothing.
    func browse(_ request: HTTPRequest) -> HTTPResponse {
        guard let path = request.query("path"), !path.isEmpty else { return Self.missingPath }
        do throws(SandboxFiles.Refusal) {
            return json(.array(try entries(of: path).map(Self.json)), request)
        } catch {
            return Self.response(error)
        }
    }

    /// What a directory holds, sorted by name.
    func entries(of path: String) throws(SandboxFiles.Refusal) -> [V1FileInfo] {
        guard let directory = try files.openDirectory(path) else { return [] }
        // The stream owns its descriptor.
        let copy = dup(directory.descriptor)
        guard copy >= 0, let stream = fdopendir(copy) else { throw .notFound }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream), names.count < Self.entriesMax {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        let base = path.hasSuffix("/") ? String(path.dropLast()) : path
        var owners = OwnerNames()
        return names.sorted().compactMap { Self.entry($0, in: directory, path: "\(base)/\($0)", &owners) }
    }

    /// A piece of a file, of no more than one read's size, and the size of the whole.
    func piece(
        of path: String, offset: Int, length: Int?
    ) throws(SandboxFiles.Refusal) -> (size: Int, bytes: [UInt8]) {
        let file = try files.openFile(path)
        let count = min(length ?? Self.readBytesMax, Self.readBytesMax)
        return (Int(file.status.st_size), Self.bytes(file, offset: offset, count: count))
    }

    private static func json(_ info: V1FileInfo) -> JSONValue {
        .members([
            ("gid", .string(info.gid)),
            ("mode", .string(modeText(mode_t(info.mode)))),
            ("mtime", .double(Double(info.mtime.nanoseconds / 1_000_000_000))),
            ("nlink", .integer(info.nlink)),
            ("path", .string(info.path)),
            ("size", .integer(info.size)),
            ("uid", .string(info.uid)),
        ])
    }

    private static func entry(
        _ name: String, in directory: SandboxFiles.Handle, path: String, _ owners: inout OwnerNames
    ) -> V1FileInfo? {
        var status = stat()
        guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        var info = V1FileInfo()
        info.path = path
        info.nlink = Int32(clamping: status.st_nlink)
        info.size = UInt64(clamping: status.st_size)
        info.mtime.nanoseconds = Int64(status.st_mtim.tv_sec) * 1_000_000_000
        info.mode = status.st_mode
        info.uid = owners.user(status.st_uid)
        info.gid = owners.group(status.st_gid)
        return info
    }

    /// `-rw-r--r--`
    static func modeText(_ mode: mode_t) -> String {
        let kind: Character =
            switch mode & S_IFMT {
            case S_IFDIR: "d"
            case S_IFLNK: "l"
            case S_IFIFO: "p"
            case S_IFSOCK: "s"
            case S_IFCHR: "c"
            case S_IFBLK: "b"
            default: "-"
            }
        let letters = Array("rwxrwxrwx")
        return String([kind] + (0..<9).map { mode >> (8 - mode_t($0)) & 1 == 1 ? letters[$0] : "-" })
    }

    // MARK: Download

    /// `?path=P`: the bytes as they are, or those that a `Range: bytes=N-M` header asks for.
    func download(_ request: HTTPRequest) -> HTTPResponse {
        guard let path = request.query("path"), !path.isEmpty else { return Self.missingPath }
        do throws(SandboxFiles.Refusal) {
            let file = try files.openFile(path)
            let name = (path.split(separator: "/").last ?? "file").filter { $0 != "\"" && $0 >= " " }
            let headers = [
                ("Content-Disposition", "attachment; filename=\(name)"), ("X-Content-Type-Options", "nosniff"),
            ]
            let type = FileTypes.type(of: name)
            let size = Int(file.status.st_size)
            if let range = request.header("Range").flatMap(Self.byteRange) {
                return Self.part(range, of: file, size: size, type: type, headers: headers)
            }
            guard size > Self.wholeBytesMax else {
                return .bytes(
                    200, Self.bytes(file, offset: 0, count: size), contentType: type, headers: headers)
            }
            let stream = HTTPStream(bufferedBytesMax: 4 * Self.wholeBytesMax)
            Self.pump(file, size: size, into: stream)
            return .stream(200, stream, contentType: type, headers: headers)
        } catch {
            return error == .isDirectory
                ? .text(400, "Cannot download a directory.\n") : Self.response(error)
        }
    }

    /// A part of the file, shorter than asked for if that is more than one answer holds.
    private static func part(
        _ range: (first: Int, last: Int?), of file: SandboxFiles.Handle, size: Int, type: String,
        headers: [(String, String)]
    ) -> HTTPResponse {
        guard range.first < size else { return .empty(416, headers: [("Content-Range", "bytes */\(size)")]) }
        let last = min(range.last ?? size, size - 1, range.first + wholeBytesMax - 1)
        let part = bytes(file, offset: range.first, count: last - range.first + 1)
        // The task may have cut its file short meanwhile.
        guard !part.isEmpty else { return .empty(416, headers: [("Content-Range", "bytes */\(size)")]) }
        return .bytes(
            206, part, contentType: type,
            headers: headers + [("Content-Range", "bytes \(range.first)-\(range.first + part.count - 1)/\(size)")])
    }

    /// Reads `bytes=N-` and `bytes=N-M`.
    ///
    /// - Returns: `nil` for any other form; whoever asks so gets the whole file, as RFC 9110 (section 14.2) allows.
    static func byteRange(_ text: String) -> (first: Int, last: Int?)? {
        guard text.hasPrefix("bytes=") else { return nil }
        let ends = text.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int(ends[0]), first >= 0, first < Int.max >> 1 else { return nil }
        if ends[1].isEmpty { return (first, nil) }
        guard let last = Int(ends[1]), last >= first, last < Int.max >> 1 else { return nil }
        return (first, last)
    }

    /// Sends the file as fast as the client takes it.
    private static func pump(_ file: SandboxFiles.Handle, size: Int, into stream: HTTPStream) {
        let hasEnded = Locked(false)
        stream.onClose { _ in hasEnded.withLock { $0 = true } }
        Task {
            var offset = 0
            while offset < size, !hasEnded.withLock({ $0 }) {
                if stream.bufferedBytes > wholeBytesMax {
                    try? await Task.sleep(for: .milliseconds(5))
                    continue
                }
                let part = bytes(file, offset: offset, count: min(256 << 10, size - offset))
                if part.isEmpty { break }
                stream.write(part)
                offset += part.count
            }
            stream.close()
        }
    }

    // MARK: Debug

    /// Which virtual path shows which of the host.
    func debug(_ request: HTTPRequest) -> HTTPResponse {
        json(.members(files.attached.map { ($0.virtual, .string($0.real)) }), request)
    }

    /// With `?jsonp=name`, a call of that function, as old pages expect it.
    private func json(_ value: JSONValue, _ request: HTTPRequest) -> HTTPResponse {
        guard let name = request.query("jsonp"), !name.isEmpty else { return .json(200, value.text) }
        return .bytes(
            200, Array("\(name)(".utf8) + value.text + Array(");".utf8), contentType: "text/javascript")
    }

    // MARK: Refusals

    private static let missingPath = HTTPResponse.text(400, "Expecting 'path=value' in query.\n")

    private static func response(_ refusal: SandboxFiles.Refusal) -> HTTPResponse {
        switch refusal {
        case .notFound: .empty(404)
        case .isDirectory: .text(400, "Cannot read a directory.\n")
        case .forbidden: .empty(403)
        }
    }
}
