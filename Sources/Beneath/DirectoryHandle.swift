// Opens and makes files beneath a directory, whatever links somebody has put there.

import CLinux
import Glibc
import TextTables

/// A file operation beneath a directory that failed.
public struct BeneathError: Error, Hashable, Sendable, CustomStringConvertible {
    public var operation: String
    /// Fit to be printed: control characters are escaped.
    public var path: String
    public var code: Int32

    public init(_ operation: String, _ path: [UInt8], code: Int32 = errno) {
        self.operation = operation
        self.path = printable(path)
        self.code = code
    }

    public var description: String {
        let reason =
            switch code {
            case EXDEV: "it leads out of the directory"
            case ELOOP: "there is a link on the way"
            default: String(cString: strerror(code))
            }
        return "cannot \(operation) \(path): \(reason)"
    }
}

/// A descriptor that is closed with its last owner.
public final class Descriptor: Sendable {
    public let number: Int32

    public init(_ number: Int32) { self.number = number }
    deinit { close(number) }

    public var status: stat {
        var status = stat()
        fstat(number, &status)
        return status
    }
    public var kind: mode_t { status.st_mode & S_IFMT }
    public var size: Int { Int(status.st_size) }
}

/// An open directory and what lies beneath it. Whoever else writes there, tasks for example, cannot make it open anything
/// elsewhere: the kernel refuses (`openat2` with `RESOLVE_BENEATH`), and before Linux 5.6 links are not followed at all.
public struct DirectoryHandle: Sendable {
    public let descriptor: Descriptor

    public init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// Opens a directory whose path is trusted, but for its last component.
    public init(path: String) throws(BeneathError) {
        let number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw BeneathError("open", Array(path.utf8)) }
        descriptor = Descriptor(number)
    }

    /// Opens what `components` name.
    ///
    /// - Parameters:
    ///   - components: Names without slashes; none of them `..`. None at all means the directory itself.
    ///   - followsLinks: Whether links are followed that stay beneath this directory.
    public func open(
        _ components: [[UInt8]], _ flags: Int32, mode: mode_t = 0, followsLinks: Bool = false
    ) throws(BeneathError) -> Descriptor {
        let path = components.isEmpty ? Array(".".utf8) : Array(components.joined(separator: [slash]))
        guard !components.contains(Array("..".utf8)) else { throw BeneathError("open", path, code: EXDEV) }
        // Before the kernel's own limit, which it does not name.
        guard path.count < Int(PATH_MAX) else { throw BeneathError("open", path, code: ENAMETOOLONG) }
        let number = path.withCString { clinux_open_beneath(descriptor.number, $0, flags, mode, followsLinks) }
        if number >= 0 { return Descriptor(number) }
        guard number == -ENOSYS else { throw BeneathError("open", path, code: -number) }
        return try walk(components, flags, mode, path)
    }

    /// The way of an old kernel: component by component, no link followed.
    private func walk(
        _ components: [[UInt8]], _ flags: Int32, _ mode: mode_t, _ path: [UInt8]
    ) throws(BeneathError) -> Descriptor {
        var here = descriptor
        for (index, component) in (components.isEmpty ? [Array(".".utf8)] : components).enumerated() {
            let isLast = index >= components.count - 1
            let wanted = isLast ? flags | O_NOFOLLOW | O_CLOEXEC : pathFlag | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            let next = component.withCString { openat(here.number, $0, wanted, mode) }
            guard next >= 0 else { throw BeneathError("open", path) }
            here = Descriptor(next)
        }
        return here
    }

    /// Opens a directory, making it and its parents if they are not there.
    ///
    /// - Parameter owner: Whom a new directory is given to; `nil`: it stays with the one who makes it.
    public func directory(
        _ components: [[UInt8]], mode: mode_t = 0o755, owner: FileOwner? = nil, followsLinks: Bool = false
    ) throws(BeneathError) -> DirectoryHandle {
        let flags = O_RDONLY | O_DIRECTORY
        do throws(BeneathError) {
            return DirectoryHandle(try open(components, flags, followsLinks: followsLinks))
        } catch {
            guard error.code == ENOENT, let name = components.last else { throw error }
            let parent = try directory(
                Array(components.dropLast()), mode: mode, owner: owner, followsLinks: followsLinks)
            guard name.withCString({ mkdirat(parent.descriptor.number, $0, mode) }) == 0 || errno == EEXIST else {
                throw BeneathError("make directory", Array(components.joined(separator: [slash])))
            }
            let made = try parent.open([name], flags)
            if let owner { fchown(made.number, owner.user, owner.group) }
            // What was there already may be a link to elsewhere: it is opened by the same rules as above.
            return DirectoryHandle(try open(components, flags, followsLinks: followsLinks))
        }
    }

    /// Makes a new file, in place of one that is there already. Links of that name are replaced, not followed.
    public func createFile(
        _ components: [[UInt8]], mode: mode_t = 0o644, owner: FileOwner? = nil, followsLinks: Bool = false
    ) throws(BeneathError) -> Descriptor {
        let path = Array(components.joined(separator: [slash]))
        guard let name = components.last else { throw BeneathError("create", path, code: EISDIR) }
        let parent = try directory(Array(components.dropLast()), owner: owner, followsLinks: followsLinks)
        try parent.removeFile(name, path)
        do throws(BeneathError) {
            let file = try parent.open([name], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
            if let owner { fchown(file.number, owner.user, owner.group) }
            return file
        } catch { throw BeneathError("create", path, code: error.code) }
    }

    /// Removes a file or link of this directory itself; that there is none is fine.
    public func removeFile(_ name: [UInt8], _ path: [UInt8]) throws(BeneathError) {
        guard name.withCString({ unlinkat(descriptor.number, $0, 0) }) == 0 || errno == ENOENT else {
            throw BeneathError("replace", path)
        }
    }
}

/// Whom a new file is given to.
public struct FileOwner: Hashable, Sendable {
    public var user: uid_t
    public var group: gid_t

    public init(user: uid_t, group: gid_t) {
        self.user = user
        self.group = group
    }
}

/// Opens a place without reading it: no fifo waits, no device acts, and what it is can be asked first.
public let pathFlag = clinux_path_flag()

private let slash = UInt8(ascii: "/")

/// Copies what is left of one file to another.
///
/// - Returns: 0, or the system's error number.
public func copyContent(of from: Descriptor, to: Descriptor) -> Int32 {
    while true {
        let count = clinux_copy_range(from.number, to.number, 16 << 20)
        if count <= 0 { return Int32(-count) }
    }
}

extension [UInt8] {
    /// The bytes with a NUL behind them, for C.
    public func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        var copy = map { CChar(bitPattern: $0) }
        copy.append(0)
        return copy.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array with a NUL in it is empty") }
            return body(base)
        }
    }
}

/// A name as a log line may hold it: control characters and what is no UTF-8 escaped, long ones cut short.
public func printable(_ bytes: [UInt8]) -> String {
    // What is cut off here is more than is shown.
    DisplayWidth.line(String(decoding: bytes.prefix(1_300), as: UTF8.self), atMost: 300)
}
