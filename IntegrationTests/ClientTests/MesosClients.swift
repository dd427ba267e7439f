// The third-party clients of Mesos and the programs of the `clients` folder that are built on them.
import Foundation
import IntegrationSupport

enum MesosClients {
    /// The Python environment with pymesos, mesoshttp and mesos-cli.
    static func python() async throws -> PythonClients {
        try await PythonClients.install(
            "mesos-requirements.txt", withDependencies: false, completedBy: "mesos_sources.py")
    }

    /// Builds the scheduler on Debian's mesos-go, without any network, and returns its path.
    static func mesosGo() async throws -> String { try await goProgram("mesos-go", "mesos-go-client") }

    /// The same for the executor.
    static func mesosGoExecutor() async throws -> String {
        try await goProgram("mesos-go-executor", "mesos-go-executor")
    }

    private static func goProgram(_ folder: String, _ name: String) async throws -> String {
        let program = "\(build)/\(name)"
        let built = try await runCommand(
            "go", ["build", "-o", program, "."],
            environment: [
                "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOPROXY": "off", "GOFLAGS": "",
                "GOCACHE": "\(build)/go-cache",
            ], directory: "\(PythonClients.scripts)/\(folder)", within: .seconds(240))
        guard built.succeeded else {
            throw ProgramNotBuilt(output: built.output)
        }
        return program
    }

    /// Starts a program of the `clients` folder that needs nothing but Python's standard library.
    static func runPlainPython(
        _ script: String, _ arguments: [String], within limit: Duration
    ) async throws -> CommandRun {
        try await runCommand(
            "python3", ["-B", "-u", script] + arguments, directory: PythonClients.scripts, within: limit)
    }

    private static let build = "\(PythonClients.scripts)/../../.build"
}

/// The Go program did not compile.
struct ProgramNotBuilt: Error, CustomStringConvertible {
    var output: String
    var description: String { "go build failed (Debian: golang-go golang-github-mesos-mesos-go-dev):\n\(output)" }
}

extension PythonClients {
    /// Starts a program of the `clients` folder that the test acts beside.
    func start(_ script: String, _ arguments: [String]) async throws -> RunningCommand {
        try await startCommand(
            python, ["-B", "-u", script] + arguments, environment: ["PYTHONPATH": Self.scripts],
            directory: Self.scripts)
    }

    /// Runs a command that one of the packages installed.
    func runInstalled(
        _ command: String, _ arguments: [String], environment: [String: String], within limit: Duration
    ) async throws -> CommandRun {
        let folder = (python as NSString).deletingLastPathComponent
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let added = environment.merging(["PATH": "\(folder):\(path)"]) { own, _ in own }
        return try await runCommand("\(folder)/\(command)", arguments, environment: added, within: limit)
    }
}
