// Opens files in sandboxes for strangers: never outside the sandbox they name, whatever links a task has put there.

import Beneath
import Glibc
import Resources

/// Resolves the paths of `/files/...` by hand, component by component, on open directories: as `openat2` would beneath
/// the sandbox, but for `..` at its root, which stays there, and on every kernel. Nothing is opened for reading before it
/// is known to be a file or directory.
///
/// Three spellings name a sandbox: its path on the host, `<work_dir>/slaves/<agent>/frameworks/<f>/executors/<e>/runs/<c>`,
/// the virtual `/frameworks/<f>/executors/<e>/runs/<c>`, and `/framework/<f>/executor/<e>/<c>`; in each, `latest` may stand
/// for the container. `/slave/log` is the agent's own log, if it writes one.
struct SandboxFiles: Sendable {
    enum Refusal: Error, Hashable, Sendable {
        case notFound
        case isDirectory
        /// A link, fifo or device where a file or directory should be.
        case forbidden
    }

    private static let linksMax = 40

    /// What Apache Mesos calls an agent's log.
    static let logPath = "/slave/log"

    let paths: AgentPaths
    /// The agent's own log.
    var logFile: String?

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
        var isLink: Bool { status.st_mode & S_IFMT == S_IFLNK }
    }

    func openFile(_ path: String) throws(Refusal) -> Handle {
        let place = try locate(path)
        if place.isDirectory { throw .isDirectory }
        guard place.isRegular else { throw .forbidden }
        return try Self.open(place)
    }

    /// - Returns: `nil` for what is there and no directory.
    func openDirectory(_ path: String) throws(Refusal) -> Handle? {
        let place = try locate(path)
        return place.isDirectory ? try Self.open(place) : nil
    }

    /// Opens for reading what has been looked at: the same file, whatever its name has come to mean.
    private static func open(_ place: Handle) throws(Refusal) -> Handle {
        let descriptor = Glibc.open("/proc/self/fd/\(place.descriptor)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw errno == EACCES ? .forbidden : .notFound }
        return Handle(descriptor)
    }

    private func locate(_ path: String) throws(Refusal) -> Handle {
        if path == Self.logPath, let logFile {
            let descriptor = Glibc.open(logFile, pathFlag | O_CLOEXEC)
            guard descriptor >= 0 else { throw .notFound }
            return Handle(descriptor)
        }
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
            let next = openat(here.descriptor, component, pathFlag | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw .notFound }
            let place = Handle(next)
            guard place.isLink else {
                directories.append(place)
                continue
            }
            guard let target = Self.link("", in: next) else { throw .notFound }
            links += 1
            guard links <= Self.linksMax else { throw .forbidden }
            // An absolute link means something else inside the task's container: it is not followed.
            guard !target.hasPrefix("/") else { throw .forbidden }
            pending += target.split(separator: "/").map(String.init).reversed()
        }
        guard let result = directories.last else { throw .notFound }
        return result
    }

    /// Every sandbox under its virtual path, for `/files/debug`.
    var attached: [(virtual: String, real: String)] {
        var all: [(String, String)] = logFile.map { [(Self.logPath, $0)] } ?? []
        let frameworks = "\(paths.sandboxesLatest)/frameworks"
        for framework in DurableFile.names(in: frameworks) {
            for executor in DurableFile.names(in: "\(frameworks)/\(framework)/executors") {
                let runs = "\(frameworks)/\(framework)/executors/\(executor)/runs"
                guard all.count < 10_000, let resolved = realpath("\(runs)/latest", nil) else { continue }
                defer { free(resolved) }
                let real = String(cString: resolved)
                all.append((real, real))
                all.append(("/frameworks/\(framework)/executors/\(executor)/runs/latest", real))
            }
        }
        return all.sorted { $0.0 < $1.0 }
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
        } else if components.count >= 5, components[0] == "framework", components[2] == "executor" {
            components[..<5] = [
                "latest", "frameworks", components[1], "executors", components[3], "runs", components[4],
            ]
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
