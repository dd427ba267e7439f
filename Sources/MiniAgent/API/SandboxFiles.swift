// Opens files in sandboxes for strangers: never outside the sandbox they name, whatever links a task has put there.

import Glibc
import Resources

/// Resolves the paths of `/files/...` by hand, component by component, on open directories.
///
/// Two spellings name a sandbox: its path on the host, `<work_dir>/slaves/<agent>/frameworks/<f>/executors/<e>/runs/<c>`,
/// and the virtual `/frameworks/<f>/executors/<e>/runs/<c>`; in both, `latest` may stand for the container.
struct SandboxFiles: Sendable {
    enum Refusal: Error, Hashable, Sendable {
        case notFound
        case isDirectory
        /// A link, fifo or device where a file or directory should be.
        case forbidden
    }

    private static let linksMax = 40

    let paths: AgentPaths

    /// An open file or directory below a sandbox.
    final class Handle: Sendable {
        let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }

        var status: stat {
            var status = stat()
            fstat(descriptor, &status)
            return status
        }
        var isDirectory: Bool { status.st_mode & S_IFMT == S_IFDIR }
        var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }
    }

    func openFile(_ path: String) throws(Refusal) -> Handle {
        let handle = try open(path)
        if handle.isDirectory { throw .isDirectory }
        guard handle.isRegular else { throw .forbidden }
        return handle
    }

    func openDirectory(_ path: String) throws(Refusal) -> Handle {
        let handle = try open(path)
        guard handle.isDirectory else { throw .notFound }
        return handle
    }

    private func open(_ path: String) throws(Refusal) -> Handle {
        guard let (sandbox, rest) = split(path) else { throw .notFound }
        var root = Glibc.open(paths.sandboxes, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw .notFound }
        // Only the agent writes above the sandbox; `latest` is the one link there, and a plain name.
        for component in sandbox {
            var name = component
            if component == "latest" { name = Self.link(component, in: root) ?? component }
            let next = name.contains("/") ? -1 : openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            close(root)
            guard next >= 0 else { throw .notFound }
            root = next
        }
        return try descend(rest, from: root)
    }

    /// Walks inside the sandbox. `root` is closed, or given back as the result.
    private func descend(_ components: [String], from root: Int32) throws(Refusal) -> Handle {
        var directories = [Handle(root)]
        var pending = Array(components.reversed())
        var links = 0
        while let component = pending.popLast() {
            if component == "." { continue }
            if component == ".." {
                // At the sandbox's own root it stays there.
                if directories.count > 1 { directories.removeLast() }
                continue
            }
            guard let here = directories.last, here.isDirectory else { throw .notFound }
            let next = openat(here.descriptor, component, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            if next >= 0 {
                directories.append(Handle(next))
                continue
            }
            guard errno == ELOOP, let target = Self.link(component, in: here.descriptor) else { throw .notFound }
            links += 1
            guard links <= Self.linksMax else { throw .forbidden }
            // An absolute link means something else inside the task's container: it is not followed.
            guard !target.hasPrefix("/") else { throw .forbidden }
            pending += target.split(separator: "/").map(String.init).reversed()
        }
        guard let result = directories.last else { throw .notFound }
        return result
    }

    /// Whose sandbox a path names; nil if it names none.
    func owner(of path: String) -> (framework: FrameworkID, executor: String)? {
        split(path).map { (FrameworkID($0.sandbox[2]), $0.sandbox[4]) }
    }

    /// - Returns: The components that lead from the root of all sandboxes to one sandbox, and those inside it.
    private func split(_ path: String) -> (sandbox: [String], rest: [String])? {
        var components = path.split(separator: "/").map(String.init)
        let prefix = paths.sandboxes.split(separator: "/").map(String.init)
        if components.starts(with: prefix) {
            components.removeFirst(prefix.count)
        } else if components.first == "frameworks" {
            components.insert("latest", at: 0)
        } else {
            return nil
        }
        guard components.count >= 7, components[1] == "frameworks", components[3] == "executors",
            components[5] == "runs"
        else { return nil }
        let sandbox = Array(components[..<7])
        guard sandbox.allSatisfy({ TaskAdmission.isUsable($0) }) else { return nil }
        // Only agent and container may be given as `latest`; a task of that name is just a task.
        return (sandbox, Array(components[7...]))
    }

    private static func link(_ name: String, in directory: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlinkat(directory, name, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
