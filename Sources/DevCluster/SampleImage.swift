// Builds the sample image, a static busybox and the practice agent, and hands it to a Docker Engine.
import Foundation
import HTTPClient

/// An image of a few megabytes, made on this host, for demos and tests that must not look for a registry.
public struct SampleImage: Sendable {
    /// Its name in the engine.
    public static let reference = "mini-mesos/sample:1"
    /// The label that holds a digest of the image's content.
    static let contentLabel = "mini-mesos.sample-content"

    /// The image's command, installed as `/usr/local/bin/practice-agent`.
    public var agentScript: String
    /// A statically linked busybox, as in Debian's package busybox-static.
    public var busyboxPath: String

    public init(agentScript: String, busyboxPath: String = "/bin/busybox") {
        (self.agentScript, self.busyboxPath) = (agentScript, busyboxPath)
    }

    /// Makes sure that the engine has this image; does nothing if it has.
    ///
    /// - Parameter socketPath: The engine's socket.
    /// - Returns: The image's reference.
    @discardableResult
    public func ensure(socketPath: String = "/var/run/docker.sock") async throws(SampleImageError) -> String {
        let archive = try archive()
        let digest = Self.digest(archive + Array(Self.changes.joined(separator: "\n").utf8))
        let engine = ImageEngine(socketPath: socketPath)
        if try await engine.label(Self.contentLabel, of: Self.reference) == digest { return Self.reference }
        try await engine.importImage(
            archive, as: Self.reference, changes: Self.changes + ["LABEL \(Self.contentLabel)=\(digest)"])
        return Self.reference
    }

    /// The command and not the entrypoint, so that a task with arguments of its own runs those.
    private static let changes = [
        #"CMD ["/usr/local/bin/practice-agent"]"#,
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]

    /// The root file system as a tar archive.
    func archive() throws(SampleImageError) -> [UInt8] {
        let busybox = try readBusybox()
        do throws(TarArchive.Failure) {
            var archive = TarArchive()
            for name in ["bin", "dev", "etc", "proc", "sys", "usr", "usr/bin", "usr/local", "usr/local/bin", "var"] {
                try archive.addDirectory(name)
            }
            try archive.addDirectory("root", mode: 0o700)
            try archive.addDirectory("tmp", mode: 0o1777)
            try archive.addFile("bin/busybox", mode: 0o755, busybox)
            for applet in Self.applets { try archive.addLink("bin/\(applet)", to: "busybox") }
            try archive.addLink("usr/bin/env", to: "/bin/busybox")
            try archive.addFile(
                "etc/passwd", Array("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n".utf8))
            try archive.addFile("etc/group", Array("root:x:0:\nnogroup:x:65534:\n".utf8))
            try archive.addFile("usr/local/bin/practice-agent", mode: 0o755, Array(agentScript.utf8))
            return archive.finished()
        } catch {
            throw .cannotBuild(reason: "\(error)")
        }
    }

    private func readBusybox() throws(SampleImageError) -> [UInt8] {
        guard let content = FileManager.default.contents(atPath: busyboxPath) else {
            throw .noBusybox(path: busyboxPath)
        }
        let bytes = [UInt8](content)
        guard ELFHeader.isStatic(bytes) else { throw .busyboxNotStatic(path: busyboxPath) }
        return bytes
    }

    /// FNV-1a, 64 bits: tells one build of the image from another, nothing more.
    private static func digest(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }

    private static let applets = """
        [ ash awk base64 basename cat chmod chown clear cmp cp cut date dd df diff dirname dmesg du echo egrep env expr \
        false fgrep find fold free getopt grep groups gunzip gzip head hexdump hostname httpd id ifconfig install ip kill \
        killall less ln logger ls md5sum mkdir mkfifo mknod mktemp more mount mv nc netstat nice nl nohup nslookup od paste \
        patch pgrep pidof ping pkill printenv printf ps pwd readlink realpath renice rev rm rmdir sed seq setpriv setsid sh \
        sha1sum sha256sum sha512sum shuf sleep sort split stat strings stty su sync tac tail tar tee test time timeout top \
        touch tr true truncate tty umount uname uniq unlink unzip uptime usleep vi watch wc wget which who whoami xargs xxd \
        yes zcat
        """.split(separator: " ").map(String.init)
}

/// Why there is no sample image. Each case says what to do about it.
public enum SampleImageError: Error, Equatable, CustomStringConvertible {
    case noBusybox(path: String)
    case busyboxNotStatic(path: String)
    case cannotBuild(reason: String)
    case engineUnreachable(socket: String, reason: String)
    case engineRefused(reason: String)

    public var description: String {
        switch self {
        case .noBusybox(let path):
            "the sample image needs a busybox at \(path): install Debian's package busybox-static"
        case .busyboxNotStatic(let path):
            "\(path) is not statically linked: install Debian's package busybox-static in place of busybox"
        case .cannotBuild(let reason): "cannot build the sample image: \(reason)"
        case .engineUnreachable(let socket, let reason): "no Docker Engine at \(socket): \(reason)"
        case .engineRefused(let reason): "the Docker Engine does not take the sample image: \(reason)"
        }
    }
}

/// Reads just enough of an ELF file to tell whether it needs a dynamic loader.
enum ELFHeader {
    /// - Returns: False for anything that is not a complete 64-bit little-endian ELF header table.
    static func isStatic(_ bytes: [UInt8]) -> Bool {
        let interpreterSegment = 3
        guard bytes.count >= 64, bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return false }
        let number = { (offset: Int, width: Int) in
            bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(38, 1) < 0x80 else { return false }
        let (table, entrySize, count) = (number(32, 7), number(54, 2), number(56, 2))
        guard count > 0, entrySize >= 4, table <= bytes.count, table + count * entrySize <= bytes.count else {
            return false
        }
        return !(0..<count).contains { number(table + $0 * entrySize, 4) == interpreterSegment }
    }
}

/// The Docker Engine calls that importing an image takes.
private struct ImageEngine {
    var socketPath: String

    /// The value of an image's label; `nil` if there is no such image or label.
    func label(_ name: String, of reference: String) async throws(SampleImageError) -> String? {
        let reply = try await call("GET", "/images/\(reference)/json")
        if reply.status == 404 { return nil }
        guard reply.status == 200 else { throw .engineRefused(reason: Self.message(reply)) }
        return (try? JSONDecoder().decode(Inspection.self, from: Data(reply.body)))?.config?.labels?[name]
    }

    func importImage(_ archive: [UInt8], as reference: String, changes: [String]) async throws(SampleImageError) {
        let parts = reference.split(separator: ":")
        var query = "fromSrc=-&repo=\(parts[0])&tag=\(parts.count > 1 ? parts[1] : "latest")"
        for change in changes {
            query += "&changes=" + (change.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
        }
        let reply = try await call("POST", "/images/create?\(query)", body: archive)
        // The engine says 200 before it reads the archive; what went wrong afterwards is in the stream.
        guard reply.status == 200, !reply.text.contains("\"errorDetail\"") else {
            throw .engineRefused(reason: Self.message(reply))
        }
    }

    private func call(
        _ method: String, _ path: String, body: [UInt8]? = nil
    ) async throws(SampleImageError) -> HTTPClientReply {
        var request = HTTPClientRequest(method: method, url: "http://docker\(path)", body: body)
        if body != nil { request.headers = [("Content-Type", "application/x-tar")] }
        request.unixSocketPath = socketPath
        request.totalTimeout = .seconds(60)
        do {
            return try await HTTPClient.shared.fetch(request)
        } catch {
            throw .engineUnreachable(socket: socketPath, reason: "\(error)")
        }
    }

    private static func message(_ reply: HTTPClientReply) -> String {
        "\(reply.status) \(reply.text.prefix(300))".trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private struct Inspection: Decodable {
        struct Config: Decodable {
            var labels: [String: String]?
            enum CodingKeys: String, CodingKey { case labels = "Labels" }
        }
        var config: Config?
        enum CodingKeys: String, CodingKey { case config = "Config" }
    }
}
