// `mini jenkins import config.xml`: from the Mesos plugin's cloud to a configuration.

import ArgumentParser
import Foundation
import JenkinsFramework

struct JenkinsImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Turn a Jenkins config.xml with the Mesos plugin's cloud into a configuration.",
        discussion: """
            The configuration goes to standard output; what was dropped or means something else, and why, goes to standard
            error. The exit status is 1 if the result cannot be used as it is.
            """)

    @Argument(help: ArgumentHelp("The controller's config.xml; - for standard input.", valueName: "file"))
    var file: String
    @Option(help: ArgumentHelp("Which cloud, if there are several.", valueName: "name")) var cloud: String?

    func run() throws {
        let imported: ImportedConfiguration
        do throws(ImportError) {
            imported = try PluginImport.run(try bytes(), cloud: cloud)
        } catch {
            throw CommandFailure(description: "jenkins import: \(file): \(error)")
        }
        print(imported.yaml, terminator: "")
        for note in imported.notes { Self.say("\(note)") }
        for problem in imported.problems { Self.say("must be mended: \(problem)") }
        if !imported.problems.isEmpty { throw ExitCode(1) }
    }

    private func bytes() throws(ImportError) -> [UInt8] {
        do {
            let handle = try file == "-" ? FileHandle.standardInput : FileHandle(forReadingFrom: URL(filePath: file))
            return [UInt8](try handle.read(upToCount: PluginImport.bytesMax + 1) ?? Data())
        } catch {
            throw ImportError(description: "cannot be read")
        }
    }

    private static func say(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
}
