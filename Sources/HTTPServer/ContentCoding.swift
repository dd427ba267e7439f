// Compresses answers for clients that say they can read gzip.
import CZlib

enum ContentCoding {
    /// Smaller bodies fit into a packet as they are.
    static let bodyBytesMin = 1024

    /// The same answer, compressed if it is worth it and the client allows it. Streams are never compressed: their
    /// chunks are to arrive at once.
    static func coded(_ response: HTTPResponse, for request: HTTPRequest) -> HTTPResponse {
        guard case .bytes(let bytes) = response.body, bytes.count >= bodyBytesMin,
            !response.headers.contains(where: { sameFieldName($0.0, "Content-Encoding") }),
            !response.headers.contains(where: { sameFieldName($0.0, "Content-Range") })
        else { return response }
        var coded = response
        coded.headers.append(("Vary", "Accept-Encoding"))
        guard allowsGzip(request.headers(named: "Accept-Encoding")), let packed = gzip(bytes) else { return coded }
        coded.headers.append(("Content-Encoding", "gzip"))
        coded.body = .bytes(packed)
        return coded
    }

    // MARK: The client's wish

    /// Whether gzip is acceptable, and not less welcome than the plain body.
    ///
    /// - Parameter fields: The values of all `Accept-Encoding` fields. None: the client said nothing, and gets no coding.
    static func allowsGzip(_ fields: [String]) -> Bool {
        var weights: [String: Double] = [:]
        for element in fields.flatMap({ $0.split(separator: ",") }) {
            let parts = element.split(separator: ";").map { trimmed($0).lowercased() }
            guard let name = parts.first, !name.isEmpty else { continue }
            var weight = 1.0
            for parameter in parts.dropFirst() {
                let pair = parameter.split(separator: "=", maxSplits: 1).map { trimmed($0) }
                // What is no number is no consent.
                if pair.count == 2, pair[0] == "q" { weight = Double(pair[1]) ?? 0 }
            }
            weights[name == "x-gzip" ? "gzip" : name] = weight
        }
        let gzip = weights["gzip"] ?? weights["*"] ?? 0
        return gzip > 0 && gzip >= weights["identity"] ?? 0
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let tail = text.drop(while: isSpace)
        return String(tail.reversed().drop(while: isSpace).reversed())
    }

    // MARK: gzip

    private static let pieceBytes = 256 << 10
    /// The fastest: the network is a machine room's, and the master has better things to do.
    static let level: Int32 = 1

    /// - Returns: Nil if zlib has no memory.
    static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard czlib_deflate_init_gzip(&stream, level) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var packed: [UInt8] = []
        packed.reserveCapacity(bytes.count / 8 + 64)
        let isComplete = bytes.withUnsafeBufferPointer { input -> Bool in
            // zlib reads from this pointer and never writes to it; its type is older than `const`.
            var rest = UnsafeMutablePointer(mutating: input.baseAddress)
            var restBytes = input.count
            while true {
                let step = min(restBytes, 1 << 30)
                stream.next_in = rest
                stream.avail_in = UInt32(step)
                let isLast = step == restBytes
                guard deflateAll(&stream, flush: isLast ? Z_FINISH : Z_NO_FLUSH, into: &packed) else { return false }
                if isLast { return true }
                rest = rest?.advanced(by: step)
                restBytes -= step
            }
        }
        return isComplete ? packed : nil
    }

    /// Runs until zlib has taken all its input and, at the end, given all its output.
    static func deflateAll(_ stream: inout z_stream, flush: Int32, into packed: inout [UInt8]) -> Bool {
        while true {
            var code = Z_OK
            var produced = 0
            let piece = [UInt8](unsafeUninitializedCapacity: pieceBytes) { output, count in
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(pieceBytes)
                code = deflate(&stream, flush)
                produced = pieceBytes - Int(stream.avail_out)
                count = produced
            }
            packed.append(contentsOf: piece)
            if code == Z_STREAM_END { return true }
            guard code == Z_OK || code == Z_BUF_ERROR else { return false }
            if flush == Z_NO_FLUSH, stream.avail_in == 0, stream.avail_out > 0 { return true }
            if code == Z_BUF_ERROR, produced == 0 { return false }
        }
    }
}
