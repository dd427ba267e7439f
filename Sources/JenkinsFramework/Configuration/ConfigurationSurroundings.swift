// What a configuration file may refer to outside itself: the environment's variables, and files.
import FoundationEssentials
import Glibc

/// The world a file is read in. Given as values, so that reading a text needs no world.
package struct ConfigurationSurroundings: Sendable {
    /// For `${NAME}` in images.
    package var environment: [String: String]
    /// - Returns: nil if the file can be read, else why not.
    package var whyUnreadable: @Sendable (String) -> String?

    /// No variables, and every file is taken to be fine.
    package static let none = ConfigurationSurroundings(environment: [:]) { _ in nil }

    /// Those of this process.
    package static var ofThisProcess: ConfigurationSurroundings {
        ConfigurationSurroundings(environment: ProcessInfo.processInfo.environment) { path in
            access(path, R_OK) == 0 ? nil : String(cString: strerror(errno))
        }
    }

    /// Replaces each `${NAME}`; `$$` is a dollar.
    ///
    /// - Returns: nil, and the name, if a variable is not set or the braces do not close.
    func expanded(_ text: String) -> (text: String?, unset: String) {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
            } else if rest.first == "{", let end = rest.firstIndex(of: "}") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                guard let value = environment[name] else { return (nil, name) }
                result += value
                rest = rest[rest.index(after: end)...]
            } else {
                return (nil, String(rest.prefix(20)))
            }
        }
        return (result + rest, "")
    }
}
