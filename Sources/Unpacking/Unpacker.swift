// Unpacks an archive beneath a directory, and nowhere else.

import Beneath
import Glibc

/// Writes what an archive holds: files, directories, links that stay inside. Anything else refuses the archive.
///
/// Owners, set-user-id bits, access lists and extended attributes are not taken over: everything belongs to whoever
/// unpacks.
public struct Unpacker {
    private let root: DirectoryHandle
    private let limits: UnpackLimits
    private var bytesLeft: Int
    private let bytesMax: Int
    private var bytesUntilCheck = 0
    private var entries = 0
    /// Where the last entry went: neighbours in an archive lie mostly in one directory.
    private var last: (components: [[UInt8]], directory: DirectoryHandle)?

    /// - Parameter archiveBytes: How large the archive is, for the limit on what it may unpack to.
    public init(into root: DirectoryHandle, archiveBytes: Int, limits: UnpackLimits = UnpackLimits()) {
        self.root = root
        self.limits = limits
        bytesMax = limits.bytesMax(archiveBytes: archiveBytes)
        bytesLeft = bytesMax
    }

    /// Unpacks a tar or zip archive.
    public mutating func unpack(_ descriptor: Int32, _ kind: ArchiveKind) throws(UnpackError) {
        let reader = try ArchiveReader(descriptor, kind)
        while let entry = try reader.next() {
            entries += 1
            guard entries <= limits.entriesMax else {
                throw UnpackError(.tooManyEntries(max: limits.entriesMax))
            }
            do throws(UnpackError) { try write(entry, reader) } catch {
                throw error.entry.isEmpty ? UnpackError(error.reason, entry: entry.path) : error
            }
        }
    }

    /// Unpacks a compressed file under the name given.
    public mutating func expand(_ descriptor: Int32, to name: [[UInt8]]) throws(UnpackError) {
        let reader = try ArchiveReader(descriptor, .gzip)
        guard try reader.next() != nil else { throw UnpackError(.format("it is empty")) }
        let file = try attempt { () throws(BeneathError) in try root.createFile(name) }
        try copy(reader, to: file, path: Array(name.joined(separator: [UInt8(ascii: "/")])))
    }

    private mutating func write(_ entry: ArchiveReader.Entry, _ reader: ArchiveReader) throws(UnpackError) {
        let path = try EntryPath(entry.path, limits: limits)
        if let target = entry.hardTarget { return try link(path, toEntry: target) }
        switch entry.kind {
        case .directory: try makeDirectory(path, entry)
        case .file: try makeFile(path, entry, reader)
        case .symbolicLink: try link(path, to: entry.symbolicTarget ?? [])
        case .device: throw UnpackError(.device)
        case .fifo: throw UnpackError(.fifo)
        case .socket: throw UnpackError(.socket)
        case .unknown: throw UnpackError(.unknownKind)
        }
    }

    // MARK: Kinds

    private mutating func makeDirectory(_ path: EntryPath, _ entry: ArchiveReader.Entry) throws(UnpackError) {
        guard !path.components.isEmpty else { return }  // `./`: it is there.
        let directory = try directory(path.components)
        // The owner must be able to go on unpacking, and to remove it all one day.
        fchmod(directory.descriptor.number, entry.mode | 0o700)
    }

    private mutating func makeFile(
        _ path: EntryPath, _ entry: ArchiveReader.Entry, _ reader: ArchiveReader
    ) throws(UnpackError) {
        guard let name = path.components.last else { throw UnpackError(.noName) }
        guard entry.size <= bytesLeft else { throw UnpackError(.tooLarge(max: bytesMax)) }
        let parent = try directory(Array(path.components.dropLast()))
        let file = try attempt { () throws(BeneathError) in try parent.createFile([name], mode: 0o600) }
        try copy(reader, to: file, path: entry.path)
        fchmod(file.number, entry.mode)
        if entry.modified > 0 {
            let time = timespec(tv_sec: entry.modified, tv_nsec: 0)
            futimens(file.number, [time, time])
        }
    }

    private mutating func link(_ path: EntryPath, to target: [UInt8]) throws(UnpackError) {
        guard let name = path.components.last, path.allowsLink(to: target) else {
            throw UnpackError(.linkOutside(target: printable(target)))
        }
        // Not through another link: the target was judged by the directory that the path names.
        let parent = try attempt { () throws(BeneathError) in
            try root.directory(Array(path.components.dropLast()), followsLinks: false)
        }
        try attempt { () throws(BeneathError) in
            try parent.removeFile(name, name)
            let code = target.withCString { target in
                name.withCString { symlinkat(target, parent.descriptor.number, $0) }
            }
            guard code == 0 else { throw BeneathError("link", name) }
        }
    }

    /// A hard link: another name of a file that the archive, or one before it, has put inside.
    private mutating func link(_ path: EntryPath, toEntry target: [UInt8]) throws(UnpackError) {
        let original: EntryPath
        do throws(UnpackError) { original = try EntryPath(target, limits: limits) } catch {
            throw UnpackError(.linkOutside(target: printable(target)))
        }
        guard let name = path.components.last else { throw UnpackError(.noName) }
        guard path.components != original.components else { return }
        let parent = try directory(Array(path.components.dropLast()))
        try attempt { () throws(BeneathError) in
            let file = try root.open(original.components, pathFlag | O_NOFOLLOW)
            guard file.kind == S_IFREG else { throw BeneathError("link to", target, code: EPERM) }
            try parent.removeFile(name, name)
            let code = name.withCString { name in
                linkat(
                    AT_FDCWD, "/proc/self/fd/\(file.number)", parent.descriptor.number, name, AT_SYMLINK_FOLLOW)
            }
            guard code == 0 else { throw BeneathError("link to", target) }
        }
    }

    // MARK: Steps

    private mutating func directory(_ components: [[UInt8]]) throws(UnpackError) -> DirectoryHandle {
        if let last, last.components == components { return last.directory }
        let directory = try attempt { () throws(BeneathError) in
            try root.directory(components, followsLinks: true)
        }
        last = (components, directory)
        return directory
    }

    private mutating func copy(
        _ reader: ArchiveReader, to file: Descriptor, path: [UInt8]
    ) throws(UnpackError) {
        var end = 0
        try reader.content { (bytes, offset) throws(UnpackError) in
            // Holes count as well: whoever reads the file reads them.
            let (newEnd, overflow) = offset.addingReportingOverflow(bytes.count)
            let growth = max(0, newEnd - end)
            guard !overflow, growth <= bytesLeft else { throw UnpackError(.tooLarge(max: bytesMax), entry: path) }
            bytesLeft -= growth
            end = max(end, newEnd)
            try checkSpace(bytes.count)
            try Self.write(bytes, to: file, at: offset, path: path)
        }
    }

    /// Asks the disk every 16 MiB.
    private mutating func checkSpace(_ count: Int) throws(UnpackError) {
        bytesUntilCheck -= count
        guard bytesUntilCheck <= 0 else { return }
        bytesUntilCheck = 16 << 20
        var status = statvfs()
        guard fstatvfs(root.descriptor.number, &status) == 0 else { return }
        if Int(clamping: status.f_bavail) * Int(clamping: status.f_frsize) < limits.freeBytesMin {
            throw UnpackError(.noSpace)
        }
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer, to file: Descriptor, at offset: Int, path: [UInt8]
    ) throws(UnpackError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(file.number, bytes.baseAddress?.advanced(by: done), bytes.count - done, offset + done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw errno == ENOSPC || errno == EDQUOT
                    ? UnpackError(.noSpace) : UnpackError(.file(BeneathError("write", path)))
            }
            done += count
        }
    }

    private func attempt<Result>(
        _ body: () throws(BeneathError) -> Result
    ) throws(UnpackError) -> Result {
        do throws(BeneathError) { return try body() } catch {
            throw error.code == ENOSPC || error.code == EDQUOT
                ? UnpackError(.noSpace) : UnpackError(.file(error))
        }
    }
}
