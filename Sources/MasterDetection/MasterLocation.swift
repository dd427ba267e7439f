// Where to look for the leading master: the forms a `--master` flag may take.

import Glibc
import ZooKeeper

/// Why a text does not say where the master is.
public enum MasterLocationError: Error, Hashable, Sendable, CustomStringConvertible {
    case zooKeeper(ZooKeeperURLError)
    case unreadableFile(path: String, errno: Int32)
    case fileTooLarge(path: String, bytesMax: Int)
    case malformed(String)

    public var description: String {
        switch self {
        case .zooKeeper(let error): error.description
        case .unreadableFile(let path, let errno): "cannot read \(path): \(String(cString: strerror(errno)))"
        case .fileTooLarge(let path, let bytesMax): "\(path) is no address: it has more than \(bytesMax) bytes"
        case .malformed(let text):
            "expecting 'zk://host:port,.../path', 'host:port', 'http://host:port' or 'file:///path' for the master, "
                + "found '\(text)'"
        }
    }
}

/// Where to look for the leading master.
public enum MasterLocation: Hashable, Sendable, CustomStringConvertible {
    /// Ask the ensemble who leads.
    case zooKeeper(ZooKeeperURL)
    /// A fixed address; if that master does not lead, it redirects.
    case address(host: String, port: Int)

    /// Reads `zk://…/path`, `host:port`, `master@host:port`, `http://host:port`, `https://host:port` or
    /// `file:///path`, ignoring white space around it. The last form stands for the content of that file, which keeps a password out of `ps`.
    public static func parse(_ text: String) throws(MasterLocationError) -> MasterLocation {
        try parseDirectly(content(of: text)[...])
    }

    /// The text itself, or what the file that it names holds; without white space around it.
    static func content(of text: String) throws(MasterLocationError) -> String {
        let trimmed = trimmingWhitespace(text)
        guard trimmed.hasPrefix("file://") else { return String(trimmed) }
        return String(trimmingWhitespace(try read(String(trimmed.dropFirst("file://".count)))))
    }

    /// Fit for logs: without a password.
    public var description: String {
        switch self {
        case .zooKeeper(let url): url.description
        case .address(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    static func parseDirectly(_ text: Substring) throws(MasterLocationError) -> MasterLocation {
        if text.hasPrefix("zk://") {
            do throws(ZooKeeperURLError) {
                return .zooKeeper(try ZooKeeperURL.parse(String(text)))
            } catch {
                throw .zooKeeper(error)
            }
        }
        var rest = text
        // Whether it is dialled with TLS is up to the client's settings.
        if let scheme = ["http://", "https://"].first(where: { rest.hasPrefix($0) }) {
            rest.removeFirst(scheme.count)
            if rest.hasSuffix("/") { rest.removeLast() }
        } else if rest.hasPrefix("master@") {
            rest.removeFirst("master@".count)
        }
        guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]), port > 0 else {
            throw .malformed(String(text))
        }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { throw .malformed(String(text)) }
        } else if host.contains(":") {
            throw .malformed(String(text))
        }
        guard !host.isEmpty, host.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value < 0x7f }),
            !host.contains(where: { "/@?#,[]%".contains($0) })
        else { throw .malformed(String(text)) }
        return .address(host: String(host), port: Int(port))
    }

    private static func read(_ path: String) throws(MasterLocationError) -> String {
        let bytesMax = 65_536
        guard let file = fopen(path, "re") else { throw .unreadableFile(path: path, errno: errno) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw .unreadableFile(path: path, errno: errno) }
        guard count <= bytesMax else { throw .fileTooLarge(path: path, bytesMax: bytesMax) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    static func trimmingWhitespace(_ text: String) -> Substring {
        var slice = text[...]
        while let first = slice.first, first.isWhitespace { slice.removeFirst() }
        while let last = slice.last, last.isWhitespace { slice.removeLast() }
        return slice
    }
}
