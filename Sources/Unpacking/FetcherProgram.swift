// What `mini-fetcher` does: the part of a fetch that reads what strangers made and writes what a task will own.

import Beneath
import Glibc
import Hashing

/// Runs as the task's user, in the task's sandbox, under the limits that the agent has set for it.
///
///     mini-fetcher copy SOURCE NAME [MODE]   a file of the host becomes NAME
///     mini-fetcher unpack tar|zip            unpacks standard input into the working directory
///     mini-fetcher expand NAME               standard input, compressed by gzip, becomes NAME
///     mini-fetcher check SHA256              compares standard input's checksum, 64 hexadecimal digits
///
/// NAME is relative and is made beneath the working directory, with its parents, through no link. Failures are one line
/// on standard error.
public enum FetcherProgram {
    /// - Returns: The exit status: 0; 1 for a failure; 2 for wrong arguments.
    public static func run(_ arguments: [String], limits: UnpackLimits = UnpackLimits()) -> Int32 {
        // Names in archives are bytes or UTF-8, whatever the host's locale is.
        setlocale(LC_CTYPE, "C.UTF-8")
        do {
            let here = try DirectoryHandle(path: ".")
            switch (arguments.first, arguments.count) {
            case ("copy", 3): try copy(arguments[1], to: try name(arguments[2]), mode: 0o644, in: here)
            case ("copy", 4):
                guard let mode = mode_t(arguments[3], radix: 8) else { return complain("not a mode: \(arguments[3])") }
                try copy(arguments[1], to: try name(arguments[2]), mode: mode & 0o777, in: here)
            case ("unpack", 2):
                guard let kind = ArchiveKind(rawValue: arguments[1]), kind != .gzip else {
                    return complain("neither tar nor zip: \(arguments[1])")
                }
                var unpacker = Unpacker(into: here, archiveBytes: standardInputBytes, limits: limits)
                try unpacker.unpack(STDIN_FILENO, kind)
            case ("expand", 2):
                let name = try name(arguments[1])
                var unpacker = Unpacker(into: here, archiveBytes: standardInputBytes, limits: limits)
                try unpacker.expand(STDIN_FILENO, to: name)
            case ("check", 2):
                guard let found = try checksumProblem(expected: arguments[1]) else { return 0 }
                say(found)
                return 1
            default: return complain("expected copy SOURCE NAME [MODE], unpack KIND, expand NAME or check SHA256")
            }
            return 0
        } catch {
            say("\(error)")
            return 1
        }
    }

    private static var standardInputBytes: Int { Descriptor(dup(STDIN_FILENO)).size }

    private static func name(_ text: String) throws(UnpackError) -> [[UInt8]] {
        try EntryPath(Array(text.utf8), limits: UnpackLimits()).components
    }

    private static func copy(
        _ source: String, to name: [[UInt8]], mode: mode_t, in directory: DirectoryHandle
    ) throws(BeneathError) {
        let path = Array(source.utf8)
        // Not opened for reading before it is known to be a file: a fifo would wait, and a device might act.
        let place = open(source, pathFlag | O_CLOEXEC)
        guard place >= 0 else { throw BeneathError("open", path) }
        let found = Descriptor(place)
        guard found.kind == S_IFREG else {
            throw BeneathError("copy", path, code: found.kind == S_IFDIR ? EISDIR : EINVAL)
        }
        let input = open("/proc/self/fd/\(found.number)", O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw BeneathError("open", path) }
        let from = Descriptor(input)
        let to = try directory.createFile(name, mode: mode)
        let code = copyContent(of: from, to: to)
        guard code == 0 else { throw BeneathError("copy", path, code: code) }
        fchmod(to.number, mode)
    }

    private static func checksumProblem(expected: String) throws(BeneathError) -> String? {
        var sum = SHA256()
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw BeneathError("read", Array("standard input".utf8)) }
            if count == 0 { break }
            sum.update(buffer[..<count])
        }
        let found = sum.finish()
        return found == expected.lowercased()
            ? nil : "the checksum is wrong: expected sha256 \(expected), found \(found)"
    }

    private static func complain(_ text: String) -> Int32 {
        say(text)
        return 2
    }

    private static func say(_ text: String) {
        let line = Array("mini-fetcher: \(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
