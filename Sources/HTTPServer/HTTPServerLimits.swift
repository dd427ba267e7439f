// What a server takes from its clients before it stops listening to them.
import CLinux

public struct HTTPServerLimits: Sendable {
    /// Request target and header fields together. Beyond it: 431.
    public var headerBytesMax = 64 * 1024
    /// More header fields than these: 431. Common clients send a dozen.
    public var headerCountMax = 128
    /// The largest body by path (percent-decoded, without the query). Beyond it: 413, and the rest is not kept.
    public var bodyBytesMax: @Sendable (_ path: String) -> Int = { _ in 16 * 1024 * 1024 }
    /// How many bytes of large bodies are taken in at a time; those beyond it wait up to two seconds in the kernel.
    public var bodyRoomBytes = 8 * 1024 * 1024
    /// Whether the body of a request is read by its handler while it comes in, told by its head (``HTTPRequest/body`` is
    /// still empty). No limit of size or time holds for such a body; what waits for the handler is bounded, and a client that
    /// sends more is held up. The connection serves no request after it.
    public var streamsBody: @Sendable (_ head: HTTPRequest) -> Bool = { _ in false }
    /// From the first byte of a request to its last. Beyond it: 408.
    public var requestTimeout = Duration.seconds(30)
    /// How long a connection may wait for a request, and a finished response for its reader. Beyond it: closed.
    ///
    /// A response with a body gets, on top, the time it takes at 16 KiB/s.
    public var idleTimeout = Duration.seconds(75)
    /// More connections than these are closed as they come.
    public var connectionsMax = 10_000
    /// More from one address than these are closed as they come, so that one host cannot take all of them. This host is
    /// exempt: whoever is on it can do worse.
    public var connectionsPerAddressMax = Int.max

    public init() {}

    public init(
        headerBytesMax: Int = 64 * 1024,
        bodyBytesMax: @escaping @Sendable (_ path: String) -> Int = { _ in 16 * 1024 * 1024 },
        bodyRoomBytes: Int = 8 * 1024 * 1024,
        requestTimeout: Duration = .seconds(30), idleTimeout: Duration = .seconds(75), connectionsMax: Int = 10_000,
        connectionsPerAddressMax: Int = .max
    ) {
        self.headerBytesMax = headerBytesMax
        self.bodyBytesMax = bodyBytesMax
        self.bodyRoomBytes = bodyRoomBytes
        self.requestTimeout = requestTimeout
        self.idleTimeout = idleTimeout
        self.connectionsMax = connectionsMax
        self.connectionsPerAddressMax = connectionsPerAddressMax
    }
}

/// The process's own limit on open files: every connection is one.
public enum FileLimits {
    /// Raises the soft limit to the hard limit. Children inherit it.
    ///
    /// - Returns: The limit now in force.
    @discardableResult
    public static func raise() -> UInt64 {
        var soft: UInt64 = 0
        _ = clinux_raise_open_files(&soft)  // On failure the old limit stays, and is what `soft` then holds.
        return soft
    }
}
