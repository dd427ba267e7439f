// What the operator's commands have in common.

import ArgumentParser
import MasterDetection
import Settings
import Testing

@testable import mini

@Suite struct OperatorCommandTests {
    private struct Files: SettingsFiles {
        var content: String?
        func content(of path: String, bytesMax: Int) throws(SettingsFileError) -> String? {
            path == "/etc/mesos/zk" ? content : nil
        }
        func entries(of path: String) throws(SettingsFileError) -> [SettingsDirectoryEntry]? { nil }
    }

    private func master(_ arguments: [String], _ environment: [String: String], file: String? = nil) throws -> String {
        try MasterFlag.parse(arguments).locations("state", environment: environment, files: Files(content: file))
            .description
    }

    @Test func `the cluster is named by the flag, else by the environment, else by the host's file`() throws {
        let environment = ["MINI_MASTER": "mini:1", "MESOS_MASTER": "mesos:1"]
        #expect(try master(["--master=flag:1"], environment, file: "zk://file:1/mesos\n") == "flag:1")
        #expect(try master([], environment, file: "zk://file:1/mesos\n") == "mini:1")
        #expect(try master([], ["MESOS_MASTER": "mesos:1", "MINI_MASTER": ""], file: "zk://file:1/m") == "mesos:1")
        #expect(try master([], [:], file: " zk://file:1/mesos\n") == "zk://file:1/mesos")
        let failure = #expect(throws: CommandFailure.self) { try master([], [:], file: "\n") }
        #expect(failure?.status == 2)
        #expect(failure?.description.contains("MINI_MASTER") == true)
    }

    @Test(arguments: ["--master", "MINI_MASTER", "MESOS_MASTER", "/etc/mesos/zk"])
    func `each way of naming masters takes an ensemble, an address or a list`(source: String) throws {
        func read(_ text: String) throws -> String {
            try master(
                source == "--master" ? ["--master=\(text)"] : [], [source: text],
                file: source.hasPrefix("/") ? text : nil)
        }
        #expect(try read("zk://a:1,b:2/mesos") == "zk://a:1,b:2/mesos")
        #expect(try read("h1:5050") == "h1:5050")
        #expect(try read("h1:5050,h2:5050,h3:5050") == "h1:5050,h2:5050,h3:5050")
        #expect(try read("https://h1:5050, https://h2:5050") == "h1:5050,h2:5050")
        let failure = #expect(throws: CommandFailure.self) { try read("h1:5050,h2") }
        #expect(
            failure?.description == "state: \(source): expecting 'zk://host:port,.../path', 'host:port', "
                + "'http://host:port' or 'file:///path' for the master, found 'h2'")
        #expect(failure?.status == 2)
    }

    @Test(arguments: [["run"], ["exec", "t"], ["task", "exec", "t"], ["jenkins", "queue"], ["ids", "tasks"]])
    func `commands that run something or ask elsewhere name masters in the same way`(words: [String]) throws {
        let end = ["run", "exec"].contains { words.contains($0) } ? ["--", "true"] : []
        let command = try Mini.parseAsRoot(words + ["--master=h1:5050,h2:5050"] + end)
        let flag: MasterFlag? =
            switch command {
            case let run as RunCommand: run.place.master
            case let exec as ExecCommand: exec.place
            case let exec as TaskExecCommand: exec.cluster.master
            case let queue as JenkinsQueueCommand: queue.question.master
            case let ids as IdsCommand: ids.master
            default: nil
            }
        #expect(try flag?.locations("x").others.map(\.description) == ["h2:5050"])
    }

    private static let commands: [[String]] = [
        ["state"], ["leader"], ["agents", "--all"], ["frameworks", "--all"], ["roles"],
        ["tasks", "--all", "--state=failed", "--framework=f", "--agent=a", "--role=r"], ["ps", "--role=r"],
        ["task", "logs", "-f", "-n", "5", "t"], ["task", "logs", "--stderr", "t"], ["task", "ls", "t", "dir"],
        ["task", "cat", "t", "file"], ["task", "kill", "t", "--force"], ["task", "explain", "t", "--lines=3"],
        ["weights"], ["weights", "get"], ["weights", "set", "a=1", "b=2"], ["weights", "preview", "a=1"], ["quota"],
        ["quota", "get"], ["quota", "set", "r", "--guarantee=cpus:1", "--limit=cpus:2", "--force"],
        ["quota", "remove", "r"], ["reserve", "a", "cpus:1", "--role=r"], ["unreserve", "a", "cpus:1", "--role=r"],
        ["maintenance"], ["maintenance", "status"],
        ["maintenance", "schedule", "--start=1hrs", "--duration=2hrs", "m1", "m2"], ["maintenance", "cancel", "m"],
        ["maintenance", "down", "m", "--yes"], ["maintenance", "up", "m"],
        ["drain", "a", "--max_grace_period=5mins", "--mark_gone", "--yes", "--detach"], ["deactivate", "a"],
        ["reactivate", "a"], ["teardown", "f", "--yes"], ["explain", "role", "r"],
    ]

    @Test(arguments: commands)
    func `every command takes a cluster, credentials and --json`(words: [String]) throws {
        let common = [
            "--master=zk://a:1/m", "--timeout=5secs", "--principal=p", "--secret_file=f", "--tls_ca_file=c", "--json",
        ]
        #expect(throws: Never.self) { try Mini.parseAsRoot(words + common) }
    }

    @Test func `a command beside a task comes after a double dash`() throws {
        let command = try Mini.parseAsRoot(["task", "exec", "t", "--tty", "--", "ls", "--json"])
        let exec = try #require(command as? TaskExecCommand)
        #expect(exec.command == ["ls", "--json"])
        #expect(exec.name.task == "t" && exec.tty && !exec.cluster.json)
    }

    @Test func `switches may carry a value as those of Apache Mesos do`() throws {
        let words = ["drain", "a", "--mark_gone=true", "--detach=1", "--json=true"]
        let arguments = try FlagArguments(booleans: BooleanFlags.names).canonical(words)
        let drain = try #require(try Mini.parseAsRoot(arguments) as? DrainCommand)
        #expect(drain.marksGone && drain.detach && drain.cluster.json)
    }
}
