// Wrong usage is one clear line and exit status 2, before anything is started; help is complete.

import Foundation
import Glibc
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct FlagTests {
    /// A command line that cannot be, and a part of what is said about it. `%` is a folder that can be written.
    static let mistakes: [(line: String, saying: String)] = [
        ("master --work_dir=% --bogus=1", "--bogus"),
        ("agent --master=127.0.0.1:1 --work_dir=% --bogus", "--bogus"),
        ("up --bogus", "--bogus"), ("run --master=127.0.0.1:1 --bogus -- true", "--bogus"),
        ("jenkins --config=/none --bogus", "--bogus"),
        ("practice-jenkins --bogus", "--bogus"), ("bogus", "bogus"),
        ("master --work_dir=% --port=0 --zk=zk:/x --quorum=1", "zk://"),
        ("agent --work_dir=% --port=0 --master=zk://host", "--master"), ("up --zk=zk:/x", "zk://"),
        ("run --master=zk://host -- true", "--master"),
        ("master --work_dir=/proc/none --port=0", "/proc/none"),
        ("agent --master=127.0.0.1:1 --work_dir=/proc/none --port=0", "/proc/none"),
        ("up --base_port=0 --work_dir=/proc/none", "/proc/none"),
        ("master --work_dir=% --port=0 --zk=zk://127.0.0.1:1/mesos", "--quorum"),
        ("master --work_dir=% --port=0 --zk=zk://127.0.0.1:1/mesos --quorum=0", "--quorum"),
        ("master --work_dir=% --port=99999", "--port"), ("master --work_dir=% --port=x", "--port"),
        ("master --work_dir=% --port=0 --agent_ping_timeout=15", "--agent_ping_timeout"),
        ("master --work_dir=% --port=0 --weights=a=0", "--weights"),
        ("master --port=0", "--work_dir"),
        ("agent --master=127.0.0.1:1 --work_dir=% --port=0 --resources=cpus:x", "cpus"),
        ("agent --master=127.0.0.1:1 --work_dir=% --port=0 --containerizers=rkt", "rkt"),
        ("agent --work_dir=% --port=0", "--master"),
        ("up --masters=0", "--masters"), ("up --masters=many", "--masters"), ("up --agents=1000", "--agents"),
        ("up --base_port=70000", "--base_port"), ("up --containerizer=rkt", "rkt"),
        ("up --masters=3 --zk=none", "--zk"),
        ("run --master=127.0.0.1:1", "--"), ("run --master=127.0.0.1:1 --cpus=0 -- true", "--cpus"),
        ("run --master=127.0.0.1:1 --mem=-1 -- true", "--mem"), ("run -- true", "--master"),
        ("jenkins --config=/none.yaml", "/none.yaml: cannot be read: No such file or directory"),
        ("practice-jenkins --port=0 --users_file=/none", "/none"),
    ]

    @Test(arguments: mistakes)
    func `a mistake is one line on standard error and status 2`(line: String, saying: String) async throws {
        let directory = try makeTemporaryDirectory(named: "flags")
        let arguments = line.split(separator: " ").map { String($0).replacing("%", with: directory) }
        let run = try await ProgramRun.start(builtProduct("mini"), arguments)
        #expect(await run.end(within: .seconds(10)) == .exited(2), "\(run.errorText)")
        #expect(run.outputText == "")
        #expect(run.errorText.hasSuffix("\n") && run.errorLines.count == 1, "\(run.errorText)")
        #expect(run.errorText.contains(saying), "\(run.errorText)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
        try FileManager.default.removeItem(atPath: directory)
        run.forget()
    }

    @Test(arguments: [
        "master", "agent", "config", "jenkins run", "jenkins check", "jenkins import", "jenkins queue",
        "jenkins builds",
        "jenkins usage", "up", "run", "exec", "practice-jenkins",
    ])
    func `help explains every flag`(command: String) async throws {
        let words = command.split(separator: " ").map(String.init)
        let run = try await ProgramRun.start(builtProduct("mini"), words + ["--help"])
        #expect(await run.end(within: .seconds(10)) == .exited(0))
        let text = run.outputText
        run.forget()
        let usage = try #require(text.split(separator: "\n").first { $0.hasPrefix("USAGE:") })
        // An entry begins two columns in; its help is on the same line or on the next, far to the right.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var explained: Set<Substring> = []
        for (index, line) in lines.enumerated() where line.hasPrefix("  -") {
            let entry = line.dropFirst(2)
            let name = entry.split { " ,/=".contains($0) }[0]
            explained.insert(name)
            let sameLine = line.count > 26 ? line.dropFirst(26).trimmingPrefix(" ") : ""
            let nextLine = index + 1 < lines.count && lines[index + 1].hasPrefix("       ") ? lines[index + 1] : ""
            let help = "\(sameLine)\(nextLine)".trimmingCharacters(in: .whitespaces)
            #expect(!help.isEmpty && !help.hasPrefix("(default"), "\(command) \(name) has no help")
        }
        for word in usage.split(whereSeparator: { " []=".contains($0) }) where word.hasPrefix("--no-") == false {
            if word.hasPrefix("--"), word != "--" { #expect(explained.contains(word), "\(command) \(word)") }
        }
        #expect(explained.contains("--version"))
    }

    @Test func `the first line of --version has our version and that of the API`() async throws {
        let run = try await ProgramRun.mini("--version")
        #expect(await run.end(within: .seconds(10)) == .exited(0))
        let line = try #require(run.outputText.split(separator: "\n").first)
        #expect(line.contains(/\b\d+\.\d+\.\d+\b.*\b1\.11\.0\b/), "\(line)")
        run.forget()
    }

    @Test func `a port in use is one line that names it`() async throws {
        let listener = try Listener()
        let directory = try makeTemporaryDirectory(named: "port")
        for command in [
            ["up", "--masters=1", "--agents=0", "--base_port=\(listener.port)", "--work_dir=\(directory)"],
            ["master", "--ip=127.0.0.1", "--port=\(listener.port)", "--work_dir=\(directory)/m"],
            ["practice-jenkins", "--port=\(listener.port)"],
            [
                "agent", "--ip=127.0.0.1", "--master=127.0.0.1:1", "--port=\(listener.port)",
                "--work_dir=\(directory)/a",
            ],
        ] {
            let run = try await ProgramRun.start(builtProduct("mini"), command)
            let end = await run.end(within: .seconds(10))
            #expect(end == .exited(1) || end == .exited(2), "\(command[0]) \(end)")
            #expect(run.errorLines.count == 1, "\(command[0]): \(run.errorText)")
            #expect(run.errorText.contains("\(listener.port)"), "\(command[0]): \(run.errorText)")
            run.forget()
        }
        try FileManager.default.removeItem(atPath: directory)
    }
}
