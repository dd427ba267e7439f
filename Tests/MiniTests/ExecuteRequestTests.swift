// From the flags of mesos-execute to tasks.

import MesosProtocol
import Settings
import TaskRun
import Testing

@testable import mini

@Suite struct ExecuteRequestTests {
    private func request(_ arguments: String...) throws -> ExecuteRequest {
        try ExecuteRequest(
            SettingsResolver.resolve(
                .execute,
                SettingsInput(
                    arguments: ["--master=m:1"] + arguments, environment: [:], files: HostFiles())
            ).orFail())
    }

    @Test func `flags become a task with a shell command`() throws {
        let request = try request(
            "--name=n", "--command=echo $A", "--env={\"A\":\"b\"}", "--resources=cpus:0.5;mem:64", "--kill_after=3secs")
        let task = try #require(request.tasks.first)
        #expect(task.name == "n" && task.taskID.value == "n")
        #expect(task.command.shell && task.command.value == "echo $A")
        #expect(task.command.environment.variables.map(\.value) == ["b"])
        #expect(task.resources.map(\.name) == ["cpus", "mem"])
        #expect(!task.hasContainer)
        #expect(request.killAfter == .seconds(3))
    }

    @Test func `an image runs in the containerizer that is asked for`() throws {
        let docker = try request("--name=n", "--command=x", "--docker_image=i", "--containerizer=docker").tasks[0]
        #expect(docker.container.type == .docker && docker.container.docker.image == "i")
        let mesos = try request("--name=n", "--command=x", "--docker_image=i").tasks[0]
        #expect(mesos.container.type == .mesos && mesos.container.mesos.image.docker.name == "i")
        let entry = try request("--name=n", "--no-shell", "--docker_image=i", "--containerizer=docker").tasks[0]
        #expect(!entry.command.shell && !entry.command.hasValue)
    }

    @Test func `a whole task needs no agent`() throws {
        let json =
            #"{"name":"n","task_id":{"value":"i"},"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":1}}]}"#
        #expect(try request("--task=\(json)").tasks[0].taskID.value == "i")
        let group = try request("--task_group={\"tasks\":[\(json)]}")
        #expect(group.isGroup && group.tasks.count == 1)
    }

    @Test(
        arguments: [
            ([], "--name: is required"), (["--name=n"], "--command: is required"),
            (["--name=n", "--task={}"], "--name: cannot be given together with --task"),
            (["--task=x"], "--task: expected a JSON object"),
            (["--task_group={}"], "--task_group: expected a list of tasks"),
            (["--name=n", "--command=x", "--containerizer=docker"], "--docker_image: is required with"),
            (["--name=n", "--command=x", "--tty"], "--tty: mini has no such thing"),
            (["--name=n", "--command=x", "--appc_image=a"], "--appc_image: mini has no such thing"),
            (["--name=n", "--command=x", "--env=canary"], "--env: expected a JSON object of strings"),
            (["--name=n", "--command=x", "--resources=cpus"], "--resources: "),
            (["--name=n", "--command=x", "--nam=2"], "Failed to load unknown flag 'nam'"),
        ] as [([String], String)])
    func `what cannot be is named`(arguments: [String], error: String) {
        let problem = #expect(throws: SettingsProblem.self) {
            try ExecuteRequest(
                SettingsResolver.resolve(
                    .execute,
                    SettingsInput(arguments: ["--master=m:1"] + arguments, environment: [:], files: HostFiles())
                ).orFail())
        }
        #expect(problem?.description.hasPrefix(error) == true, "\(problem?.description ?? "")")
        #expect(problem?.description.contains("canary") != true)
    }
}
