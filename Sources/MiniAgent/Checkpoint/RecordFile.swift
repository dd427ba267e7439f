// The format of checkpoint files: a versioned header, then records with length and checksum.

/// Encodes and decodes checkpoint files.
///
/// ```
/// file    "MMCP"  version: u16  revision: u16   record*
/// record  length: u32  checksum: u32  tag: u8  payload      integers little-endian
/// ```
///
/// `length` counts tag and payload; the checksum (CRC-32C) covers them. A record is either whole or not there: what a
/// crash left of the last one is recognised and reported.
///
/// A new version is for what an older program would misunderstand; it must not go on then. A new revision adds records or
/// fields that an older program may leave out.
package enum RecordFile {
    package static let version = 2
    /// The oldest that is read: tasks had folders then, and two files each.
    package static let versionMin = 1
    /// 2: whether tasks were given to their executors.
    package static let revision = 2
    static let magic = Array("MMCP".utf8)
    static let headerBytes = 8
    static let recordHeaderBytes = 8
    /// Far above any task description we accept.
    static let recordBytesMax = 32 << 20

    package struct Record: Hashable, Sendable {
        package var tag: UInt8
        package var payload: [UInt8]

        package init(tag: UInt8, payload: [UInt8]) {
            self.tag = tag
            self.payload = payload
        }
    }

    /// What follows the last good record.
    package enum Tail: Hashable, Sendable {
        case clean
        /// A record whose writing was cut short by a crash: it was never confirmed to anyone.
        case torn(offsetBytes: Int)
        /// Bytes that no crash of ours leaves behind.
        case corrupt(recordIndex: Int, offsetBytes: Int)
    }

    package enum HeaderError: Error, Hashable, Sendable {
        case notACheckpoint
        case wrongVersion(found: Int)
    }

    package static var header: [UInt8] { header(of: version) }

    static func header(of version: Int) -> [UInt8] { magic + littleEndian(UInt32(version | revision << 16)) }

    /// The version of a file that could be read; nil if there is no header.
    package static func version(of bytes: [UInt8]) -> Int? {
        bytes.count >= headerBytes ? Int(bytes[4]) | Int(bytes[5]) << 8 : nil
    }

    /// Whether the file was begun by a program that may have written records which this one does not know.
    package static func isNewer(_ bytes: [UInt8]) -> Bool {
        bytes.count >= headerBytes && (Int(bytes[6]) | Int(bytes[7]) << 8) > revision
    }

    package static func encode(_ record: Record) -> [UInt8] {
        let body = [record.tag] + record.payload
        return littleEndian(UInt32(body.count)) + littleEndian(checksum(body)) + body
    }

    /// Reads all records up to the first that is not whole.
    package static func decode(_ bytes: [UInt8]) throws(HeaderError) -> (records: [Record], tail: Tail) {
        // A crash between creating the file and writing its header leaves an empty or short one.
        if bytes.count < headerBytes,
            (versionMin...version).contains(where: { bytes.elementsEqual(header(of: $0).prefix(bytes.count)) })
        {
            return ([], bytes.isEmpty ? .clean : .torn(offsetBytes: 0))
        }
        guard bytes.count >= headerBytes, bytes.starts(with: magic) else { throw .notACheckpoint }
        let version = Self.version(of: bytes) ?? 0
        guard (versionMin...Self.version).contains(version) else { throw .wrongVersion(found: version) }
        var records: [Record] = []
        var offset = headerBytes
        while offset < bytes.count {
            let rest = bytes.count - offset
            guard rest >= recordHeaderBytes else { return (records, .torn(offsetBytes: offset)) }
            let length = Int(integer(bytes, at: offset))
            let end = offset + recordHeaderBytes + length
            let isLast = end >= bytes.count
            guard length >= 1, length <= recordBytesMax, end <= bytes.count,
                checksum(bytes[(offset + recordHeaderBytes)..<end]) == integer(bytes, at: offset + 4)
            else {
                // A crash may also leave a file that grew before its content came: zeros.
                let isTorn =
                    (isLast && length <= recordBytesMax && length > 0) || bytes[offset...].allSatisfy { $0 == 0 }
                return (
                    records,
                    isTorn ? .torn(offsetBytes: offset) : .corrupt(recordIndex: records.count, offsetBytes: offset)
                )
            }
            let body = offset + recordHeaderBytes
            records.append(Record(tag: bytes[body], payload: Array(bytes[(body + 1)..<end])))
            offset = end
        }
        return (records, .clean)
    }

    private static func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func integer(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * $1) }
    }

    /// CRC-32C (Castagnoli), reflected.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0x82F6_3B78 ^ (crc >> 1) : crc >> 1 }
    }
}
