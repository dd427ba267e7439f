// What an agent runs, and with which containerizer.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

@Suite struct TaskAdmissionTests {
    private let settings = AgentSettings(resources: .init(), containerizers: [.docker, .process])

    private func task(_ change: (inout V1TaskInfo) -> Void) -> V1TaskInfo {
        var task = V1TaskInfo()
        task.taskID.value = "t"
        task.command.value = "true"
        change(&task)
        return task
    }

    private func refusal(_ task: V1TaskInfo) -> ExitReport? {
        if case .refuse(let report) = TaskAdmission(task, settings: settings) { report } else { nil }
    }

    @Test func `a plain command is run as a process, an image by Docker`() {
        #expect(TaskAdmission(task { _ in }, settings: settings) == .run(.process, .init()))
        let container = task {
            $0.container.type = .docker
            $0.container.docker.image = "image:1"
        }
        #expect(TaskAdmission(container, settings: settings) == .run(.docker, .init()))
    }

    @Test func `a task with checks and a time limit is run`() {
        let checked = task {
            $0.healthCheck.type = .command
            $0.check.type = .command
            $0.maxCompletionTime.nanoseconds = 1
        }
        #expect(TaskAdmission(checked, settings: settings) == .run(.process, .init()))
    }

    @Test func `a task with files to fetch is run, one with resources that make no sense is not`() {
        let fetching = task { $0.command.uris = [V1CommandInfo.URI()] }
        #expect(TaskAdmission(fetching, settings: settings) == .run(.process, .init()))
        let report = refusal(task { $0.resources = [V1Resource()] })
        #expect(report?.state == .taskError)
        #expect(report?.message.hasPrefix("Task uses invalid resources") == true)
    }
}
