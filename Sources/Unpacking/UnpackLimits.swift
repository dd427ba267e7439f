// What an archive may be unpacked to, and why one is refused.

import Beneath
import Glibc

/// Bounds of one archive's unpacking. An archive that exceeds one is refused as a whole.
public struct UnpackLimits: Hashable, Sendable {
    public var entriesMax = 1_000_000
    /// Directories above an entry.
    public var depthMax = 100
    /// Bytes of all files together, holes included.
    public var bytesMax = 1 << 40
    /// Bytes of all files together for each byte of the archive, once there are more than `ratioFloorBytes`: nobody
    /// packs so well without meaning harm.
    public var ratioMax = 500
    public var ratioFloorBytes = 1 << 30
    /// Bytes of the disk that stay free for everybody else on the host.
    public var freeBytesMin = 256 << 20

    public init() {}

    /// How many bytes an archive of this size may hold.
    func bytesMax(archiveBytes: Int) -> Int {
        let (scaled, overflow) = archiveBytes.multipliedReportingOverflow(by: ratioMax)
        return overflow ? bytesMax : min(bytesMax, max(ratioFloorBytes, scaled))
    }
}

/// Why an archive was not unpacked. What was written before stays: the task does not start.
public struct UnpackError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case absolutePath
        case parentPath
        case noName
        case nameTooLong
        case tooDeep(max: Int)
        /// Links out of the directory, or no link that could be judged.
        case linkOutside(target: String)
        case device
        case fifo
        case socket
        case unknownKind
        case tooManyEntries(max: Int)
        case tooLarge(max: Int)
        case noSpace
        /// Not an archive of this kind, damaged, or cut short; the text is the library's.
        case format(String)
        case file(BeneathError)
    }

    /// The entry it is about, fit to be printed; empty if it is about the whole archive.
    public var entry: String
    public var reason: Reason

    public init(_ reason: Reason, entry: [UInt8] = []) {
        self.entry = printable(entry)
        self.reason = reason
    }

    public var description: String {
        let what =
            switch reason {
            case .absolutePath: "its path is absolute"
            case .parentPath: "its path leads upwards with .."
            case .noName: "it has no name"
            case .nameTooLong: "its name is too long"
            case .tooDeep(let max): "it lies more than \(max) directories deep"
            case .linkOutside(let target): "it links to \(target), which may lie outside"
            case .device: "it is a device"
            case .fifo: "it is a named pipe"
            case .socket: "it is a socket"
            case .unknownKind: "it is of an unknown kind"
            case .tooManyEntries(let max): "it has more than \(max) entries"
            case .tooLarge(let max): "it unpacks to more than \(max) bytes"
            case .noSpace: "no space left on the disk"
            case .format(let text): text
            case .file(let error): "\(error)"
            }
        return entry.isEmpty ? "the archive is refused: \(what)" : "the archive is refused: entry '\(entry)': \(what)"
    }
}
