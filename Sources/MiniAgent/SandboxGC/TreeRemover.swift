// Removes directory trees that hostile tasks have made: any depth, any size, no link followed, a bit at a time.

import Beneath
import Glibc

/// Removes what lies in one directory of the agent's own, the waste basket.
///
/// A tree may be deeper than any path can say, so it is not walked down: each directory found inside another is first
/// moved up into the basket, where its name is short.
struct TreeRemover: Sendable {
    private let basket: DirectoryHandle
    private var moved = 0

    /// - Parameter path: Made if it is not there.
    init(basket path: String) throws(FileError) {
        try DurableFile.createDirectories(path, mode: 0o700)
        do throws(BeneathError) { basket = try DirectoryHandle(path: path) } catch {
            throw FileError("open", path, code: error.code)
        }
    }

    /// Moves a file or directory into the basket: from then on nobody finds it.
    mutating func take(_ path: String) throws(FileError) {
        let name = nextName()
        guard path.withCString({ renameat(AT_FDCWD, $0, basket.descriptor.number, name) }) == 0 else {
            throw FileError("move to the waste basket", path)
        }
    }

    /// Removes what is in the basket.
    ///
    /// - Parameter entriesMax: Stops after so many removals.
    /// - Returns: Whether the basket is empty, and how many things could not be removed.
    mutating func empty(entriesMax: Int) -> (isEmpty: Bool, stuck: Int) {
        var left = entriesMax
        var stuck: Set<[UInt8]> = []
        while left > 0 {
            let names = Self.names(basket.descriptor, max: 1000).filter { !stuck.contains($0) }
            if names.isEmpty { return (stuck.isEmpty, stuck.count) }
            for name in names where left > 0 {
                if !remove(name, &left) { stuck.insert(name) }
            }
            if stuck.count >= 1000 { break }
        }
        return (false, stuck.count)
    }

    /// - Returns: Whether progress was made.
    private mutating func remove(_ name: [UInt8], _ left: inout Int) -> Bool {
        left -= 1
        if unlink(name, in: basket.descriptor) { return true }
        guard let directory = open(name) else { return errno == ENOENT }
        var isStuck = false
        while left > 0 {
            let names = Self.names(directory, max: 1000)
            if names.isEmpty { return name.withCString { unlinkat(basket.descriptor.number, $0, AT_REMOVEDIR) } == 0 }
            for child in names {
                left -= 1
                if unlink(child, in: directory) { continue }
                let new = nextName()
                let code = child.withCString { renameat(directory.number, $0, basket.descriptor.number, new) }
                // A mount point for example: it is not ours to remove.
                if code != 0 && errno != ENOENT { isStuck = true }
            }
            if isStuck { return false }
        }
        return true
    }

    private func unlink(_ name: [UInt8], in directory: Descriptor) -> Bool {
        name.withCString { unlinkat(directory.number, $0, 0) } == 0
    }

    /// Opens a directory in the basket, whatever rights its maker has left it.
    private func open(_ name: [UInt8]) -> Descriptor? {
        do throws(BeneathError) {
            let place = try basket.open([name], pathFlag | O_DIRECTORY | O_NOFOLLOW)
            // By its descriptor: the mode of what a link points to stays as it is. Root needs no rights at all.
            if geteuid() != 0 { chmod("/proc/self/fd/\(place.number)", 0o700) }
            return try basket.open([name], O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            errno = error.code
            return nil
        }
    }

    private mutating func nextName() -> String {
        while true {
            moved += 1
            var status = stat()
            let name = "g\(moved)"
            if fstatat(basket.descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) != 0 { return name }
        }
    }

    private static func names(_ directory: Descriptor, max: Int) -> [[UInt8]] {
        // A descriptor of its own, so that reading starts at the beginning.
        let copy = openat(directory.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { return [] }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while names.count < max, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
        }
        return names
    }
}
