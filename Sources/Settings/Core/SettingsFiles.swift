// What the search for settings needs of a file system.

/// Why a file cannot give a value.
public enum SettingsFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case tooLarge(path: String, bytesMax: Int)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .tooLarge(let path, let bytesMax): "cannot read \(path): it has more than \(bytesMax) bytes"
        }
    }
}

/// A file or folder in a folder. Links count as what they lead to.
public struct SettingsDirectoryEntry: Hashable, Sendable {
    public var name: String
    public var isDirectory: Bool

    public init(name: String, isDirectory: Bool) {
        self.name = name
        self.isDirectory = isDirectory
    }
}

/// Reads files; a fake one in tests.
public protocol SettingsFiles: Sendable {
    /// - Returns: `nil` if there is no such file.
    func content(of path: String, bytesMax: Int) throws(SettingsFileError) -> String?
    /// Regular files and folders, in any order.
    ///
    /// - Returns: `nil` if there is no such folder.
    func entries(of path: String) throws(SettingsFileError) -> [SettingsDirectoryEntry]?
}

extension SettingsFiles {
    /// Large enough for the access rules of a big site; small enough to hold.
    static var bytesMax: Int { 1 << 20 }

    func content(of path: String) throws(SettingsFileError) -> String? {
        try content(of: path, bytesMax: Self.bytesMax)
    }

    /// The text of a file that must be there.
    func required(_ path: String) throws(SettingsFileError) -> String {
        guard let content = try content(of: path) else {
            throw .unreadable(path: path, reason: "No such file or directory")
        }
        return content
    }
}
