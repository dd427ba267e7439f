// From settings to the configurations of the daemons.

import MasterDetection
import MiniAgent
import MiniMaster
import Settings
import Testing

@testable import mini

@Suite struct ConfigurationTests {
    private func resolve(_ table: FlagTable, _ arguments: [String]) throws -> ResolvedSettings {
        try SettingsResolver.resolve(
            table,
            SettingsInput(arguments: arguments + ["--etc_dir="], environment: [:], files: HostFiles())
        ).orFail()
    }

    @Test func `the defaults of the flags are those of the master's configuration`() throws {
        var configuration = try MasterConfiguration(try resolve(.master, ["--work_dir=/w"]), ip: nil)
        configuration.reportedFlags = [:]
        // Every value of a configuration shows in its description.
        #expect("\(configuration)" == "\(MasterConfiguration(workDir: "/w"))")
    }

    @Test func `the defaults of the flags are those of the agent's configuration`() throws {
        var configuration = try AgentConfiguration(
            try resolve(.agent, ["--work_dir=/w", "--master=m:1"]), ip: nil)
        configuration.reportedFlags = [:]
        #expect(
            "\(configuration)"
                == "\(AgentConfiguration(master: .address(host: "m", port: 1), workDirectory: "/w"))")
    }

    @Test(arguments: [
        ("--zk=zk:/x", "--zk: Expecting 'zk://' at the beginning of the URL, found 'zk:/x' (--zk on the command line)"),
        (
            "--weights=a=0",
            "--weights: expected role=weight with a weight above 0 in each item, found 'a=0' (--weights on the command line)"
        ),
        ("--roles=a b", "--roles: "), ("--min_allocatable_resources=cpus", "--min_allocatable_resources: "),
    ])
    func `a master's flag that makes no sense is named with value and origin`(flag: String, error: String) throws {
        let settings = try resolve(.master, ["--work_dir=/w", "--quorum=1", flag])
        let problem = #expect(throws: SettingsProblem.self) { try MasterConfiguration(settings, ip: nil) }
        #expect(problem?.description.hasPrefix(error) == true, "\(problem?.description ?? "")")
    }

    @Test func `the containerizer of plain processes may be called mesos`() throws {
        let settings = try resolve(
            .agent, ["--work_dir=/w", "--master=m:1", "--containerizers=docker,mesos", "--no-hostname_lookup"])
        let configuration = try AgentConfiguration(settings, ip: "127.0.0.1")
        #expect(configuration.containerizers == [.docker, .process])
        #expect(!configuration.hostnameLookup)
        #expect(configuration.ip == "127.0.0.1")
    }

    @Test func `a default container that makes no sense is named with its flag`() throws {
        let settings = try resolve(
            .agent, ["--work_dir=/w", "--master=m:1", #"--default_container_info={"type": "DOCKER"}"#])
        let problem = #expect(throws: SettingsProblem.self) { try AgentConfiguration(settings, ip: nil) }
        #expect(
            problem?.description.hasPrefix(
                "--default_container_info: a container of type DOCKER needs 'docker.image'") == true)
    }

    @Test func `a bad environment for tasks is refused without being shown`() throws {
        let settings = try resolve(
            .agent, ["--work_dir=/w", "--master=m:1", "--executor_environment_variables=canary"])
        let problem = #expect(throws: SettingsProblem.self) { try AgentConfiguration(settings, ip: nil) }
        #expect(
            problem?.description
                == "--executor_environment_variables: expected a JSON object of strings "
                + "(--executor_environment_variables on the command line)")
    }

    @Test func `an explanation has every value, its origin and what it replaced, and no secret`() throws {
        let settings = SettingsResolver.resolve(
            .agent,
            SettingsInput(
                arguments: [
                    "--master=zk://u:canary@a:1/m", "--port=1", "--jwt_secret_key=canary", "--secret_resolver=x",
                    "--etc_dir=",
                ],
                environment: ["MESOS_PORT": "2", "MESOS_WORK_DIR": "/w"], files: HostFiles()))
        let text = SettingsReport(settings).text
        let lines = text.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
        func line(_ name: String) -> String? {
            lines.first { $0.first.map(String.init) == name }?.joined(separator: " ")
        }
        #expect(line("port") == "port 1 --port on the command line (not MESOS_PORT in the environment)")
        #expect(line("work_dir") == "work_dir /w MESOS_WORK_DIR in the environment")
        #expect(line("master") == "master zk://u:***@a:1/m --master on the command line")
        #expect(line("strict") == "strict true default")
        #expect(text.contains("error: --secret_resolver: "))
        #expect(!text.contains("canary"))
        #expect(!(try SettingsDocument(settings).json).contains("canary"))
    }
}
