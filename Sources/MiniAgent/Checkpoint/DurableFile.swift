// Files that are on disk when a call returns: the few POSIX steps, each with its error.

import Glibc

/// A file operation that failed, and the system's reason.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    package var operation: String
    package var path: String
    package var code: Int32

    package init(_ operation: String, _ path: String, code: Int32 = errno) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    package var description: String { "cannot \(operation) \(path): \(String(cString: strerror(code)))" }
}

package enum DurableFile {
    /// Makes `path` and its missing parents, each of them on disk when this returns.
    package static func createDirectories(_ path: String, mode: mode_t = 0o755) throws(FileError) {
        if mkdir(path, mode) == 0 { return try syncParent(of: path) }
        switch errno {
        case EEXIST:
            return
        case ENOENT:
            let parent = parent(of: path)
            guard parent != path, !parent.isEmpty else { throw FileError("make directory", path) }
            try createDirectories(parent, mode: mode)
            guard mkdir(path, mode) == 0 || errno == EEXIST else { throw FileError("make directory", path) }
            try syncParent(of: path)
        default:
            throw FileError("make directory", path)
        }
    }

    /// Makes `path` and its missing parents. A crash of the host may undo it.
    ///
    /// - Returns: The directories that got a new entry, outermost first.
    @discardableResult
    package static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(FileError) -> [String] {
        if mkdir(path, mode) == 0 { return [parent(of: path)] }
        switch errno {
        case EEXIST:
            return []
        case ENOENT:
            let parent = parent(of: path)
            guard parent != path, !parent.isEmpty else { throw FileError("make directory", path) }
            let made = try makeDirectories(parent, mode: mode)
            guard mkdir(path, mode) == 0 || errno == EEXIST else { throw FileError("make directory", path) }
            return made + [parent]
        default:
            throw FileError("make directory", path)
        }
    }

    /// Writes a file as a whole: readers and crashes see the old content or the new.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        let temporary = "\(path).tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw FileError("create", temporary) }
        do throws(FileError) {
            try write(bytes, to: file, path: temporary)
            guard fsync(file) == 0 else { throw FileError("flush", temporary) }
        } catch {
            close(file)
            throw error
        }
        close(file)
        guard rename(temporary, path) == 0 else { throw FileError("rename to", path) }
        try syncParent(of: path)
    }

    /// Adds to a file's end, creating it with `header` first.
    package static func append(_ bytes: [UInt8], to path: String, header: [UInt8]) throws(FileError) {
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw FileError("open", path) }
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        guard size >= 0 else { throw FileError("measure", path) }
        let isNew = size == 0
        do throws(FileError) {
            try write(isNew ? header + bytes : bytes, to: file, path: path)
            guard fdatasync(file) == 0 else { throw FileError("flush", path) }
        } catch {
            // A later append must not follow half a record.
            _ = ftruncate(file, size)
            throw error
        }
        if isNew { try syncParent(of: path) }
    }

    /// Makes `link` point to `target`, replacing an older link at once. Not synced: links are a convenience.
    package static func relink(_ link: String, to target: String) throws(FileError) {
        if symlink(target, link) == 0 { return }
        let temporary = "\(link).tmp"
        unlink(temporary)
        guard symlink(target, temporary) == 0 else { throw FileError("link", temporary) }
        guard rename(temporary, link) == 0 else { throw FileError("rename to", link) }
    }

    /// Reads a whole file.
    ///
    /// - Returns: `nil` if there is none.
    package static func read(_ path: String, bytesMax: Int = 64 << 20) throws(FileError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw FileError("open", path)
        }
        defer { close(file) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path) }
            if count == 0 { return content }
            content.append(contentsOf: buffer[..<count])
            guard content.count <= bytesMax else { throw FileError("read", path, code: EFBIG) }
        }
    }

    /// Names in a directory, sorted, without `.` and `..`; empty if there is none.
    package static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file or a whole directory, never following links.
    package static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in names(in: path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    /// Renames, on disk when this returns.
    ///
    /// - Returns: Whether there was anything to rename.
    package static func move(_ path: String, to newPath: String) throws(FileError) -> Bool {
        guard rename(path, newPath) == 0 else {
            if errno == ENOENT { return false }
            throw FileError("rename", path)
        }
        try syncParent(of: newPath)
        return true
    }

    /// Renames `path` to a name that says why and is not taken.
    ///
    /// - Returns: The new name.
    package static func setAside(_ path: String, as suffix: String) throws(FileError) -> String {
        for number in 1...10_000 {
            let name = "\(path).\(suffix)-\(number)"
            if access(name, F_OK) == 0 { continue }
            guard rename(path, name) == 0 else { throw FileError("set aside", path) }
            return name
        }
        throw FileError("find a free name beside", path, code: EEXIST)
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func syncParent(of path: String) throws(FileError) { try syncDirectory(parent(of: path)) }

    static func syncDirectory(_ directory: String) throws(FileError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError("flush", directory) }
    }

    static func write(_ bytes: [UInt8], to file: Int32, path: String) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(file, buffer.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError("write", path) }
            done += count
        }
    }
}
