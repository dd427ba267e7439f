// Third-party Python clients, installed once per list of requirements and used unmodified.
import Foundation

/// A Python environment with the packages that one requirements file names.
public struct PythonClients: Sendable {
    /// The environment's interpreter.
    public let python: String

    /// The folder of the client scripts.
    public static var scripts: String { repository + "/IntegrationTests/clients" }

    /// Installs the packages of a requirements file in the `clients` folder, or finds them installed.
    ///
    /// The environment lives in `.build` under a name made from the files' content, so a changed file makes a new one.
    ///
    /// - Parameters:
    ///   - withDependencies: Whether to install what the packages declare, too; otherwise the file names all that is
    ///     needed.
    ///   - script: Run in the environment after the packages are installed.
    public static func install(
        _ requirementsFile: String, withDependencies: Bool = true, completedBy script: String? = nil
    ) async throws -> PythonClients {
        try await Installer.shared.install(
            Recipe(requirementsFile: requirementsFile, withDependencies: withDependencies, script: script))
    }

    /// Runs a script of the `clients` folder.
    public func run(_ script: String, _ arguments: [String], within limit: Duration) async throws -> CommandRun {
        try await runCommand(
            python, ["-B", "-u", script] + arguments, environment: ["PYTHONPATH": Self.scripts],
            directory: Self.scripts, within: limit)
    }

    private struct Recipe: Hashable {
        var requirementsFile: String
        var withDependencies: Bool
        var script: String?
    }

    /// One installation at a time; a second test that asks for the same list waits for the first.
    private actor Installer {
        static let shared = Installer()
        private var installations: [Recipe: Task<PythonClients, any Error>] = [:]

        func install(_ recipe: Recipe) async throws -> PythonClients {
            let task = installations[recipe] ?? Task { try await PythonClients.make(recipe) }
            installations[recipe] = task
            return try await task.value
        }
    }

    private static func make(_ recipe: Recipe) async throws -> PythonClients {
        let file = "\(scripts)/\(recipe.requirementsFile)"
        var content = Data()
        for path in [file] + [recipe.script].compactMap({ $0 }).map({ "\(scripts)/\($0)" }) {
            guard let part = FileManager.default.contents(atPath: path) else {
                throw PythonClientsError(what: "no file \(path)", output: "")
            }
            content += part
        }
        let folder = "\(repository)/.build/python-clients-\(digest(content))"
        let clients = PythonClients(python: folder + "/bin/python")
        // The mark is made last: an installation that was interrupted is started again.
        let mark = folder + "/complete"
        if FileManager.default.fileExists(atPath: mark) { return clients }
        try? FileManager.default.removeItem(atPath: folder)
        let made = try await runCommand("python3", ["-m", "venv", folder], within: .seconds(120))
        guard made.succeeded else {
            throw PythonClientsError(what: "python3 -m venv failed (Debian: python3-venv)", output: made.output)
        }
        var pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", file]
        if !recipe.withDependencies { pip.append("--no-deps") }
        let installed = try await runCommand(clients.python, pip, within: .seconds(300))
        guard installed.succeeded else {
            throw PythonClientsError(
                what: "pip could not install \(recipe.requirementsFile)", output: installed.output)
        }
        if let script = recipe.script {
            let completed = try await clients.run(script, [], within: .seconds(120))
            guard completed.succeeded else {
                throw PythonClientsError(what: "\(script) could not complete it", output: completed.output)
            }
        }
        _ = FileManager.default.createFile(atPath: mark, contents: nil)
        return clients
    }

    /// FNV-1a, to name the folder.
    private static func digest(_ content: Data) -> String {
        let hash = content.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

public struct PythonClientsError: Error, CustomStringConvertible {
    public var what: String
    public var output: String
    public var description: String { output.isEmpty ? what : "\(what):\n\(output)" }
}
