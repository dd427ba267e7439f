// The look at network storage before an agent starts, run by a real shell.
import Foundation
import Glibc
import Processes
import Testing

@testable import JenkinsFramework

@Suite struct MountCheckTests {
    /// Runs a script with a `ls` in the path that hangs for folders called `dead`, as a lost network mount makes it hang.
    private func run(_ script: String) async throws -> (status: Int32, errors: String) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mounts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let stub = folder.appendingPathComponent("ls")
        try Data("#!/bin/sh\ncase $2 in *dead*) exec sleep 2 ;; esac\nexec /bin/ls \"$@\"\n".utf8).write(to: stub)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: stub.path)
        let errors = folder.appendingPathComponent("errors").path
        let descriptor = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        var request = SpawnRequest(
            program: "/bin/sh", arguments: ["-c", script],
            environment: ["PATH=\(folder.path):/usr/bin:/bin", "TMPDIR=\(folder.path)"])
        request.standardError = descriptor
        request.deathSignal = SIGKILL
        let process = try await ChildProcess.spawn(request)
        let end = await process.end()
        let text = String(decoding: FileManager.default.contents(atPath: errors) ?? Data(), as: UTF8.self)
        guard case .exited(let status) = end else { return (-1, "\(end): \(text)") }
        return (status, text)
    }

    @Test func `folders that answer let the command start`() async throws {
        let script = ShellText.mountCheck(["/", "/tmp"], within: .seconds(5)) + "\nexit 7"
        #expect(try await run(script).status == 7)
    }

    @Test func `a folder that does not answer in time ends the task at once, and says which`() async throws {
        let result = try await run(
            ShellText.mountCheck(["/", "/mnt/dead nfs"], within: .milliseconds(300)) + "\nexit 7")
        #expect(result.status == 75)
        #expect(result.errors == "jenkins-framework: /mnt/dead nfs does not answer: is its network storage gone?\n")
    }

    @Test func `a folder that is not there is named`() async throws {
        let result = try await run(ShellText.mountCheck(["/nowhere/it's"], within: .seconds(5)) + "\nexit 7")
        #expect(result.status == 75)
        #expect(result.errors == "jenkins-framework: /nowhere/it's cannot be read: is it mounted?\n")
    }

    @Test func `an agent program is started again until it has failed for long enough`() async throws {
        let script = "sleep() { :; }\n" + ShellText.restarting("false", for: .seconds(1))
        let result = try await run(script)
        #expect(result.status == 1)
        #expect(result.errors.contains("no connection to the controller for 1 s"))
    }

    @Test func `the secret's file is its user's alone and the environment has forgotten it`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("secret-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = """
            export JENKINS_SECRET=abc MESOS_SANDBOX='\(folder.path)'
            \(ShellText.keepSecretInFile)
            [ -z "${JENKINS_SECRET:-}" ] || exit 3
            [ "$(cat "$MESOS_SANDBOX/.agent-secret")" = abc ] || exit 4
            """
        #expect(try await run(script).status == 0)
        let attributes = try FileManager.default.attributesOfItem(
            atPath: folder.appendingPathComponent(".agent-secret").path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}
