// Framing of event streams: the length of a record in ASCII digits, a newline, the record.

public enum RecordIO {
    /// mesos-go refuses larger records unless told otherwise, so single events stay below.
    public static let recordBytesMax = 4 << 20

    /// One framed record.
    public static func encode(_ record: [UInt8]) -> [UInt8] {
        var framed: [UInt8] = []
        framed.reserveCapacity(record.count + 12)
        framed.append(contentsOf: String(record.count).utf8)
        framed.append(UInt8(ascii: "\n"))
        framed.append(contentsOf: record)
        return framed
    }
}

/// Why a stream is not RecordIO. After an error the stream has no known boundaries and must be given up.
public enum RecordIOError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The length is empty, longer than any length we accept, or holds something other than digits.
    case malformedLength
    case recordTooLarge(bytes: Int, bytesMax: Int)
    /// The stream ended inside a record.
    case truncated(missingBytes: Int?)

    public var description: String {
        switch self {
        case .malformedLength: "record length is not a decimal number"
        case .recordTooLarge(let bytes, let bytesMax): "record of \(bytes) bytes, at most \(bytesMax) are accepted"
        case .truncated(let missing?): "stream ended \(missing) bytes before the end of a record"
        case .truncated(nil): "stream ended inside a record length"
        }
    }
}

/// Finds the records in a stream that arrives in pieces of any size.
///
/// Append a piece, then call `next()` until it returns `nil`; it buffers less than one record and one piece.
public struct RecordIODecoder: Sendable {
    /// `Int.max` has 19 digits.
    private static let lengthDigitsMax = 19

    private let recordBytesMax: Int
    private var buffer: [UInt8] = []
    private var start = 0
    /// The length of the record that is being collected, once its header is complete.
    private var pendingLength: Int?
    private var failure: RecordIOError?

    public init(recordBytesMax: Int = RecordIO.recordBytesMax) {
        self.recordBytesMax = recordBytesMax
    }

    /// Bytes received that belong to no finished record.
    public var bufferedBytes: Int { buffer.count - start }

    public mutating func append(_ bytes: some Sequence<UInt8>) {
        guard failure == nil else { return }
        if start > 0 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next complete record; `nil` until more bytes come. An error is final: every later call throws it again.
    public mutating func next() throws(RecordIOError) -> [UInt8]? {
        if let failure { throw failure }
        do throws(RecordIOError) {
            guard let length = try length() else { return nil }
            guard bufferedBytes >= length else { return nil }
            let record = Array(buffer[start..<start + length])
            start += length
            pendingLength = nil
            return record
        } catch {
            failure = error
            buffer = []
            start = 0
            throw error
        }
    }

    /// Says whether the stream may end here.
    public func finish() throws(RecordIOError) {
        if let failure { throw failure }
        if let pendingLength { throw .truncated(missingBytes: pendingLength - bufferedBytes) }
        if bufferedBytes > 0 { throw .truncated(missingBytes: nil) }
    }

    /// The length of the record at `start`, reading its header if that is still to do; `nil` if it is incomplete.
    private mutating func length() throws(RecordIOError) -> Int? {
        if let pendingLength { return pendingLength }
        let header = buffer[start...].prefix(Self.lengthDigitsMax + 1)
        let digits = header.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits.count <= Self.lengthDigitsMax else { throw .malformedLength }
        guard digits.count < header.count else { return nil }
        guard header[digits.endIndex] == UInt8(ascii: "\n"), let length = Int(String(decoding: digits, as: UTF8.self))
        else { throw .malformedLength }
        guard length <= recordBytesMax else { throw .recordTooLarge(bytes: length, bytesMax: recordBytesMax) }
        start = digits.endIndex + 1
        pendingLength = length
        return length
    }
}
