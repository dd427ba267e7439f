// Compresses a body that is written a piece at a time.
import CZlib

/// One gzip stream. For bodies that are produced in pieces; whole ones are compressed by the server itself.
public final class GzipEncoder {
    private let stream: UnsafeMutablePointer<z_stream>  // zlib keeps its address, so it must not move.

    /// - Returns: `nil` if zlib has no memory.
    public init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard czlib_deflate_init_gzip(stream, ContentCoding.level) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Whether the request's client would rather have a compressed answer.
    public static func isWelcome(to request: HTTPRequest) -> Bool {
        ContentCoding.allowsGzip(request.headers(named: "Accept-Encoding"))
    }

    /// - Parameter isLast: Nothing may follow.
    /// - Returns: What is to be sent now, which may be nothing; `nil` if zlib failed, after which the body is lost.
    public func encode(_ bytes: [UInt8], isLast: Bool = false) -> [UInt8]? {
        var packed: [UInt8] = []
        let isComplete = bytes.withUnsafeBufferPointer { input in
            // zlib reads from this pointer and never writes to it; its type is older than `const`.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(clamping: input.count)
            return ContentCoding.deflateAll(&stream.pointee, flush: isLast ? Z_FINISH : Z_NO_FLUSH, into: &packed)
        }
        return isComplete ? packed : nil
    }
}
