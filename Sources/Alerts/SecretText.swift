// Reads small files whole: configurations and secrets.
import Glibc

/// Why such a file cannot be used.
struct SecretFileError: Error, Equatable {
    var reason: String
}

enum SecretText {
    /// - Parameter bytesMax: A larger file is refused.
    static func read(_ path: String, bytesMax: Int) throws(SecretFileError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SecretFileError(reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SecretFileError(reason: String(cString: strerror(errno))) }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else { throw SecretFileError(reason: "larger than \(bytesMax) bytes") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SecretFileError(reason: "not UTF-8") }
        return text
    }
}

extension String {
    /// Without white space around.
    var trimmed: String {
        let body = drop(while: \.isWhitespace)
        guard let last = body.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(body[...last])
    }
}
