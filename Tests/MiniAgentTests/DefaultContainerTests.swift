// What tasks run in that bring no container, by `--default_container_info`.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct DefaultContainerTests {
    private static let docker = #"{"type": "DOCKER", "docker": {"image": "busybox:1"}}"#
    private static let limits = #"{"type": "MESOS", "rlimit_info": {"rlimits": [{"type": "RLMT_NOFILE"}]}}"#

    private func settings(_ text: String) throws -> AgentSettings {
        var settings = AgentSettings(resources: .init(), containerizers: [.docker, .process])
        settings.defaultContainer = try V1ContainerInfo(defaultContainer: text)
        return settings
    }

    private func task(_ change: (inout V1TaskInfo) -> Void = { _ in }) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.taskID.value = "t"
        task.command.value = "true"
        change(&task)
        return task
    }

    private func record(_ info: V1TaskInfo, _ kind: ContainerizerKind) -> TaskRecord {
        TaskRecord(
            key: AgentConversation.key("t"), info: info, container: ContainerID("c1"), containerizer: kind)
    }

    @Test func `a task without a container runs in the default one, and one with a container in its own`() throws {
        let settings = try settings(Self.docker)
        #expect(TaskAdmission(task(), settings: settings) == .run(.docker, .init()))
        #expect(settings.withDefaultContainer(record(task(), .docker)).info.container.docker.image == "busybox:1")
        let own = task { $0.container.type = .mesos }
        #expect(TaskAdmission(own, settings: settings) == .run(.process, .init()))
        #expect(settings.withDefaultContainer(record(own, .process)).info == own)
    }

    @Test func `a process gets the limits of the default container`() throws {
        let settings = try settings(Self.limits)
        #expect(TaskAdmission(task(), settings: settings) == .run(.process, .init()))
        let filled = settings.withDefaultContainer(record(task(), .process))
        #expect(filled.info.container.rlimitInfo.rlimits.map(\.type) == [.rlmtNofile])
    }

    @Test func `a task that was launched as a process stays one when the default becomes an image`() throws {
        let settings = try settings(Self.docker)
        #expect(settings.withDefaultContainer(record(task(), .process)).info == task())
    }

    @Test func `what the agent keeps and tells of a task does not change`() throws {
        var agent = AgentConversation(settings: try settings(Self.docker))
        agent.register()
        agent.launch("t1")
        let record = agent.core.tasks[AgentConversation.key("t1")]?.record
        #expect(record?.containerizer == .docker)
        #expect(record?.info.hasContainer == false)
    }

    @Test(arguments: [
        ("{", "not the JSON of a ContainerInfo: "), ("{}", "type"), (#"{"type": "LXC"}"#, ""),
        (#"{"type": "DOCKER"}"#, "a container of type DOCKER needs 'docker.image'"),
        (#"{"type": "MESOS", "mesos": {"image": {"type": "APPC"}}}"#, "'mesos.image' needs 'docker.name'"),
        (
            #"{"type": "MESOS", "rlimit_info": {"rlimits": [{"type": "RLMT_NOFILE", "soft": 1}]}}"#,
            "'rlimit_info': Resource limit 'nofile' needs both"
        ),
        (
            #"{"type": "MESOS", "volumes": [{"container_path": "", "mode": "RW"}]}"#,
            "'volumes[0].container_path' is empty"
        ),
    ]) func `a default container that makes no sense is refused by name`(text: String, reason: String) {
        let error = #expect(throws: DefaultContainerError.self) { try V1ContainerInfo(defaultContainer: text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }
}
