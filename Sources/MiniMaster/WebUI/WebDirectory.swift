// Reads the files of --webui_dir: plain files below that folder, never what a link or a `..` points to.
import Glibc

enum WebDirectory {
    /// No page needs larger ones.
    private static let fileBytesMax: Int64 = 16 << 20

    /// A file's bytes; nil for what is no plain, readable file below the folder. Names that begin with a dot are not
    /// shown.
    static func read(_ path: String, in directory: String) -> [UInt8]? {
        let components = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !components.isEmpty, components.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("\0") })
        else { return nil }
        var descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for (index, component) in components.enumerated() {
            guard descriptor >= 0 else { return nil }
            let kind = index + 1 < components.count ? O_DIRECTORY : O_NONBLOCK
            let next = openat(descriptor, String(component), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind)
            close(descriptor)
            descriptor = next
        }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= fileBytesMax
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let wanted = bytes.count - done
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: done), wanted)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            done += count
        }
        return Array(bytes[..<done])
    }

    /// Whether the folder holds a page.
    static func isUsable(_ directory: String) -> Bool { read("index.html", in: directory) != nil }
}
