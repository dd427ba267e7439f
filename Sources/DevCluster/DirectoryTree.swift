// Folders made and removed as a whole.

import Glibc

/// Operations on a folder and everything below it.
enum DirectoryTree {
    /// Removes `path` and everything below it, without following links.
    ///
    /// - Returns: Whether nothing is left.
    static func remove(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT }
        if status.st_mode & S_IFMT == S_IFDIR {
            guard let directory = opendir(path) else { return false }
            var names: [String] = []
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { names.append(name) }
            }
            closedir(directory)
            for name in names { _ = remove("\(path)/\(name)") }
            return rmdir(path) == 0
        }
        return unlink(path) == 0
    }

    /// Makes `path` and its missing parents.
    ///
    /// - Throws: ``DirectoryError`` naming the folder that could not be made.
    static func create(_ path: String) throws(DirectoryError) {
        guard access(path, F_OK) != 0 else { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try create(String(path[..<slash])) }
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw DirectoryError(path: path, reason: String(cString: strerror(errno)))
        }
    }
}

/// A folder that could not be made or written.
public struct DirectoryError: Error, CustomStringConvertible {
    public var path: String
    public var reason: String

    public var description: String { "cannot create directory \(path): \(reason)" }
}
