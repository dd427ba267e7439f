// The host's file system, as far as the search for settings needs it.

import Glibc

/// Reads real files.
public struct HostFiles: SettingsFiles {
    public init() {}

    public func content(of path: String, bytesMax: Int) throws(SettingsFileError) -> String? {
        // O_NONBLOCK: a named pipe where a file should be must not hold up the start.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Self.unreadable(path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                // A pipe, as `--zk=file://<(command)` makes one, whose writer is not done yet.
                if errno == EAGAIN, Self.isReadable(descriptor) { continue }
                throw Self.unreadable(path)
            }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
            if bytes.count > bytesMax { throw .tooLarge(path: path, bytesMax: bytesMax) }
        }
    }

    public func entries(of path: String) throws(SettingsFileError) -> [SettingsDirectoryEntry]? {
        guard let directory = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Self.unreadable(path)
        }
        defer { closedir(directory) }
        var entries: [SettingsDirectoryEntry] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard stat("\(path)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG: entries.append(SettingsDirectoryEntry(name: name, isDirectory: false))
            case S_IFDIR: entries.append(SettingsDirectoryEntry(name: name, isDirectory: true))
            default: break
            }
        }
        return entries
    }

    /// Waits for up to five seconds.
    private static func isReadable(_ descriptor: Int32) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let count = poll(&wanted, 1, 5000)
        if count == 0 { errno = ETIMEDOUT }
        return count > 0
    }

    private static func unreadable(_ path: String) -> SettingsFileError {
        .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
}
