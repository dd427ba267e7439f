// An image without a registry: busybox and its applets, packed as a tar archive and imported through the Engine API.

import Foundation
import HTTPClient

enum BusyboxImage {
    static let name = "mini-agent-test:busybox"
    static let socket = "/var/run/docker.sock"

    /// Imports the image unless it is there.
    ///
    /// - Throws: ``Timeout`` naming what is missing on this machine.
    static func provide(in socket: String = socket) async throws {
        let known = try await call("GET", "/images/\(name)/json", socket: socket)
        if known.status == 200 { return }
        guard let busybox = FileManager.default.contents(atPath: "/bin/busybox") else {
            throw Timeout(description: "/bin/busybox is missing: install busybox-static")
        }
        var tar = TarArchive()
        for directory in ["bin", "etc", "tmp", "proc", "sys", "dev", "mnt"] { tar.add(directory: directory) }
        tar.add(file: "bin/busybox", Array(busybox), mode: 0o755)
        for applet in [
            "sh", "cat", "echo", "sleep", "true", "false", "head", "tail", "tr", "dd", "env", "kill", "seq", "printf",
        ] {
            tar.add(link: "bin/\(applet)", to: "busybox")
        }
        tar.add(file: "etc/passwd", Array("root:x:0:0:root:/:/bin/sh\n".utf8), mode: 0o644)
        let changes = "changes=CMD%20%5B%22sh%22%5D&changes=ENV%20PATH%3D%2Fbin"
        let reply = try await call(
            "POST", "/images/create?fromSrc=-&repo=mini-agent-test&tag=busybox&\(changes)", body: tar.bytes,
            socket: socket)
        guard reply.status == 200, !reply.text.contains("errorDetail") else {
            throw Timeout(description: "the Docker engine did not import the image: \(reply.text)")
        }
    }

    static func call(
        _ method: String, _ path: String, body: [UInt8]? = nil, headers: [(String, String)] = [],
        socket: String = socket
    ) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(method: method, url: "http://docker\(path)", unixSocketPath: socket)
        request.totalTimeout = .seconds(60)
        request.headers = headers
        if let body {
            request.body = body
            request.headers.append(("Content-Type", "application/x-tar"))
        }
        do {
            return try await HTTPClient.shared.fetch(request)
        } catch {
            throw Timeout(description: "no Docker engine at \(socket): \(error)")
        }
    }
}

/// Writes the old `ustar` format, enough for an image.
private struct TarArchive {
    private var content: [UInt8] = []

    var bytes: [UInt8] { content + [UInt8](repeating: 0, count: 1024) }

    mutating func add(directory: String) { append(header("\(directory)/", kind: "5", mode: 0o755, size: 0)) }

    mutating func add(link: String, to target: String) {
        append(header(link, kind: "2", mode: 0o777, size: 0, target: target))
    }

    mutating func add(file: String, _ bytes: [UInt8], mode: Int) {
        append(header(file, kind: "0", mode: mode, size: bytes.count))
        append(bytes)
    }

    private mutating func append(_ bytes: [UInt8]) {
        content += bytes
        content += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    private func header(_ name: String, kind: String, mode: Int, size: Int, target: String = "") -> [UInt8] {
        func octal(_ value: Int, _ width: Int) -> [UInt8] {
            let digits = String(value, radix: 8)
            return Array((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8) + [0]
        }
        func padded(_ text: String, _ width: Int) -> [UInt8] {
            Array(text.utf8) + [UInt8](repeating: 0, count: width - text.utf8.count)
        }
        let before = padded(name, 100) + octal(mode, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(0, 12)
        let after = Array(kind.utf8) + padded(target, 100) + padded("ustar", 6) + Array("00".utf8)
        let blank = before + [UInt8](repeating: 0x20, count: 8) + after
        let sum = blank.reduce(0) { $0 + Int($1) }
        let header = before + octal(sum, 7) + [0x20] + after
        return header + [UInt8](repeating: 0, count: 512 - header.count)
    }
}

extension BusyboxImage {
    static func json(_ method: String, _ path: String, body: String) async throws -> HTTPClientReply {
        var request = HTTPClientRequest(method: method, url: "http://docker\(path)", unixSocketPath: socket)
        request.totalTimeout = .seconds(60)
        request.body = Array(body.utf8)
        request.headers = [("Content-Type", "application/json")]
        return try await HTTPClient.shared.fetch(request)
    }
}
