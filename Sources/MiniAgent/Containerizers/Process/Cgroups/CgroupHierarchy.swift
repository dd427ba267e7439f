// Which control groups this host has, and which of them the agent may make.

import Glibc

/// What a control group can do for a process task.
package enum CgroupController: String, Hashable, Comparable, CaseIterable, Sendable {
    case cpu
    case memory
    case pids
    /// Stops all processes of a group at once, so that a kill finds every one of them. Part of every unified group.
    case freezer

    package static func < (left: CgroupController, right: CgroupController) -> Bool { left.rawValue < right.rawValue }
}

/// The folders in which the agent makes a control group for each container.
package struct CgroupHierarchy: Hashable, Sendable {
    package enum Layout: String, Hashable, Sendable {
        /// A tree for each controller.
        case separate = "v1"
        /// One tree for all.
        case unified = "v2"
    }

    package let layout: Layout
    /// The agent's own folder, by controller. In the unified layout the same for each.
    package let folders: [CgroupController: String]
    /// Why a controller that was asked for cannot be used.
    package let refusals: [CgroupController: String]

    /// Looks at what is mounted, and makes the agent's folders.
    ///
    /// - Parameters:
    ///   - mount: Usually `/sys/fs/cgroup`.
    ///   - root: The name of the agent's folder; may have slashes.
    package static func find(mount: String, root: String, wanted: Set<CgroupController>) -> CgroupHierarchy {
        let isUnified = access("\(mount)/cgroup.controllers", F_OK) == 0
        var folders: [CgroupController: String] = [:]
        var refusals: [CgroupController: String] = [:]
        for controller in wanted.sorted() {
            do throws(CgroupError) {
                folders[controller] =
                    isUnified ? try unified(controller, mount, root) : try separate(controller, mount, root)
            } catch {
                refusals[controller] = error.reason
            }
        }
        return CgroupHierarchy(layout: isUnified ? .unified : .separate, folders: folders, refusals: refusals)
    }

    /// Folders, each once.
    var roots: [String] { Set(folders.values).sorted() }

    private static func separate(
        _ controller: CgroupController, _ mount: String, _ root: String
    ) throws(CgroupError) -> String {
        let tree = "\(mount)/\(controller.rawValue)"
        guard access(tree, F_OK) == 0 else { throw CgroupError("there is no \(tree)") }
        let folder = "\(tree)/\(root)"
        try make(folder)
        return folder
    }

    private static func unified(
        _ controller: CgroupController, _ mount: String, _ root: String
    ) throws(CgroupError) -> String {
        let folder = "\(mount)/\(root)"
        try make(folder)
        if controller == .freezer { return folder }
        // Each folder on the way down hands the controller on to the next.
        var path = mount
        for part in [""] + root.split(separator: "/").map(String.init) {
            if !part.isEmpty { path += "/\(part)" }
            try handDown(controller, at: path)
        }
        return folder
    }

    private static func handDown(_ controller: CgroupController, at path: String) throws(CgroupError) {
        guard words("\(path)/cgroup.controllers").contains(controller.rawValue) else {
            throw CgroupError("\(path) has no \(controller.rawValue) controller")
        }
        let file = "\(path)/cgroup.subtree_control"
        if words(file).contains(controller.rawValue) { return }
        do throws(FileError) { try CgroupFile.write("+\(controller.rawValue)", to: file) } catch {
            throw CgroupError("\(error)")
        }
    }

    private static func make(_ folder: String) throws(CgroupError) {
        do throws(FileError) { try DurableFile.makeDirectories(folder) } catch { throw CgroupError("\(error)") }
        guard access(folder, W_OK | X_OK) == 0 else { throw CgroupError("\(FileError("write to", folder))") }
    }

    private static func words(_ path: String) -> [String] {
        (CgroupFile.read(path) ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    }
}

/// Why a controller cannot be used, in words.
struct CgroupError: Error, Hashable, Sendable {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// The small text files of control groups.
enum CgroupFile {
    static func write(_ text: String, to path: String) throws(FileError) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw FileError("open", path) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        // The kernel takes a value whole or not at all.
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw FileError("write", path) }
    }

    /// - Returns: `nil` if there is none, or it cannot be read.
    static func read(_ path: String) -> String? {
        guard let bytes = try? DurableFile.read(path, bytesMax: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The number behind a name, in a file of `NAME NUMBER` lines.
    static func number(_ name: String, in path: String) -> Int64? {
        for line in (read(path) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == name { return Int64(words[1]) }
        }
        return nil
    }

    static func number(_ path: String) -> Int64? {
        read(path)?.split(whereSeparator: \.isWhitespace).first.flatMap { Int64($0) }
    }
}
