// `mini task ls`: the files of a task.

import TextTables

/// A file or folder, as `/files/browse` describes it.
public struct SandboxEntry: Codable, Hashable, Sendable {
    /// From the sandbox's root on, or whole, as the agent says it.
    public var path: String
    public var size: UInt64
    /// Seconds since the Unix epoch.
    public var mtime: Double
    /// `-rw-r--r--`
    public var mode: String
    public var uid: String
    public var gid: String

    var name: String { (path.split(separator: "/").last.map(String.init) ?? path) + (mode.hasPrefix("d") ? "/" : "") }
}

public struct SandboxListing: Report {
    public var taskID: String
    /// Of the folder, within the sandbox.
    public var path: String
    public var files: [SandboxEntry]

    public init(taskID: String, path: String, files: [SandboxEntry]) {
        self.taskID = taskID
        self.path = path
        self.files = files.sorted { $0.path < $1.path }
    }

    public func text(_ sheet: Sheet) -> String {
        guard !files.isEmpty else { return "no files" }
        var table = TextTable([
            .init("MODE", dropOrder: 2), .init("USER", dropOrder: 3), .init("SIZE", .right),
            .init("CHANGED", dropOrder: 1),
            .init("NAME"),
        ])
        for file in files {
            table.add([file.mode, file.uid, "\(file.size)", Figures.time(file.mtime), file.name])
        }
        return table.text(width: sheet.width)
    }
}

/// A piece of a file, for programs.
public struct FilePiece: Encodable, Hashable, Sendable {
    public var taskID: String
    public var file: String
    /// Of the first byte.
    public var offset: UInt64
    /// Of the whole file.
    public var size: UInt64
    /// As text; bytes that are none are replaced.
    public var data: String

    public init(taskID: String, file: String, offset: UInt64, size: UInt64, data: String) {
        self.taskID = taskID
        self.file = file
        self.offset = offset
        self.size = size
        self.data = data
    }
}
