// Several durable steps that reach the disk together.

import CLinux
import Glibc

/// Collects file operations and then makes all of them durable: group commit.
///
/// ``sync()`` returns when a crash of the host can no longer undo the operations. Many tasks that start or end at the same
/// time thus wait for the disk once, not in a row.
struct CheckpointCommit: ~Copyable {
    private struct Open {
        var descriptor: Int32
        var path: String
        var purpose: Purpose
        var isReplacement: Bool { if case .replacement = purpose { true } else { false } }
    }

    private enum Purpose {
        /// Where it began: what did not reach the disk is cut off there.
        case append(start: off_t)
        /// Under a temporary name until its content is on disk.
        case replacement
    }

    private var files: [Open] = []
    /// Directories with new or renamed entries, in the order of the operations, each once.
    private var directories: [String] = []

    deinit { for file in files { close(file.descriptor) } }

    /// Makes `path` and its missing parents.
    mutating func createDirectories(_ path: String) throws(FileError) {
        for directory in try DurableFile.makeDirectories(path) { add(directory: directory) }
    }

    /// Writes a file as a whole: readers and crashes see the old content or the new. The new one appears with ``sync()``.
    mutating func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        let temporary = Self.temporary(path)
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw FileError("create", temporary) }
        do throws(FileError) { try DurableFile.write(bytes, to: file, path: temporary) } catch {
            close(file)
            throw error
        }
        // Replaced twice, it gets its name once, with the later content.
        forget { $0.path == path && $0.isReplacement }
        files.append(Open(descriptor: file, path: path, purpose: .replacement))
        add(directory: DurableFile.parent(of: path))
    }

    /// Forgets what was to be written to a file that is given up.
    mutating func abandon(file: String) {
        for open in files where open.path == file && open.isReplacement { unlink(Self.temporary(file)) }
        forget { $0.path == file }
    }

    /// Forgets what was to be written below a directory that is given up.
    mutating func abandon(below directory: String) {
        forget { $0.path.hasPrefix(directory + "/") }
        directories.removeAll { $0 == directory || $0.hasPrefix(directory + "/") }
    }

    private mutating func forget(where isUnwanted: (Open) -> Bool) {
        for file in files where isUnwanted(file) { close(file.descriptor) }
        files.removeAll(where: isUnwanted)
    }

    private static func temporary(_ path: String) -> String { "\(path).tmp" }

    /// Adds to a file's end, creating it with `header` first.
    ///
    /// - Parameter isFlushed: Whether ``sync()`` waits for it. What is not flushed survives us, and a crash of the host only
    ///   if something behind it in the same file was flushed.
    mutating func append(
        _ bytes: [UInt8], to path: String, header: [UInt8], isFlushed: Bool = true
    ) throws(FileError) {
        // A file that has not got its name yet takes it along.
        if let new = files.first(where: { $0.path == path && $0.isReplacement }) {
            return try DurableFile.write(bytes, to: new.descriptor, path: path)
        }
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw FileError("open", path) }
        let size = lseek(file, 0, SEEK_END)
        guard size >= 0 else {
            let error = FileError("measure", path)
            close(file)
            throw error
        }
        do throws(FileError) {
            try DurableFile.write(size == 0 ? header + bytes : bytes, to: file, path: path)
        } catch {
            _ = ftruncate(file, size)  // A later append must not follow half a record.
            close(file)
            throw error
        }
        guard isFlushed || size == 0 else {
            close(file)
            return
        }
        files.append(Open(descriptor: file, path: path, purpose: .append(start: size)))
        if size == 0 { add(directory: DurableFile.parent(of: path)) }
    }

    private mutating func add(directory: String) {
        if !directories.contains(directory) { directories.append(directory) }
    }

    /// Whether ``sync()`` has anything to wait for.
    var isEmpty: Bool { files.isEmpty && directories.isEmpty }

    /// Waits until the disk has it all.
    ///
    /// - Throws: The first failure. What was appended is then taken back: nobody was told of it.
    consuming func sync() throws(FileError) {
        // All on their way before the first is waited for, so that the file system commits them together.
        if files.count > 1 {
            for file in files { clinux_begin_writing(file.descriptor) }
        }
        for file in files where fdatasync(file.descriptor) != 0 {
            let error = FileError("flush", file.path)
            for file in files.reversed() {
                if case .append(let start) = file.purpose { _ = ftruncate(file.descriptor, start) }
            }
            throw error
        }
        for file in files where file.isReplacement && rename(Self.temporary(file.path), file.path) != 0 {
            throw FileError("rename to", file.path)
        }
        // From the inside out: what is found is then complete.
        for directory in directories.reversed() { try DurableFile.syncDirectory(directory) }
    }
}
