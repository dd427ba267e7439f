// One task as `mini run` sees it: from the first offer to the exit status.

import Foundation
import MesosProtocol
import Resources
import Testing

@testable import TaskRun

@Suite struct TaskRunMachineTests {
    private let task = TaskID("run.1")

    private func machine(dockerImage: String? = nil) throws -> TaskRunMachine {
        let cpus = try #require(Scalar(0.5))
        let memory = try #require(Scalar(64))
        return TaskRunMachine(
            request: TaskRequest(
                name: "run", command: ["sh", "-c", "exit 3"], cpus: cpus, memory: memory, dockerImage: dockerImage),
            task: task, leaderTimeout: .seconds(60))
    }

    private func offer(_ id: String, cpus: Double, mem: Double) -> V1Offer {
        var offer = V1Offer()
        offer.id.value = id
        offer.agentID.value = "agent"
        offer.frameworkID.value = "framework"
        offer.hostname = "host"
        offer.url.scheme = "http"
        offer.url.address.ip = "10.0.0.1"
        offer.url.address.port = 5051
        offer.allocationInfo.role = "*"
        for (name, value) in [("cpus", cpus), ("mem", mem)] {
            var resource = V1Resource()
            resource.name = name
            resource.type = .scalar
            resource.scalar.value = value
            offer.resources.append(resource)
        }
        return offer
    }

    private func status(_ state: V1TaskState, _ message: String = "", uuid: Bool = true) -> V1TaskStatus {
        var status = V1TaskStatus()
        status.taskID.value = task.value
        status.agentID.value = "agent"
        status.state = state
        if !message.isEmpty { status.message = message }
        if uuid { status.uuid = Data(repeating: 7, count: 16) }
        return status
    }

    private func names(_ effects: [TaskRunMachine.Effect]) -> [String] {
        effects.map { effect in
            switch effect {
            case .launch(let offer, _): "launch on \(offer)"
            case .decline(let offers): "decline \(offers.map(\.value).joined(separator: ","))"
            case .suppress: "suppress"
            case .acknowledge: "acknowledge"
            case .kill: "kill"
            case .reconcile: "reconcile"
            case .expectUpdate: "expect update"
            case .expectLeader(let absence, let limit): "expect leader \(absence) within \(limit)"
            case .expectEnd: "expect end"
            case .follow(let sandbox): "follow \(sandbox.agentURL)"
            case .drain: "drain"
            case .say(let text): "say \(text)"
            case .finish(let status): "finish \(status)"
            }
        }
    }

    @Test func `it takes the first offer with room, declines the others and wants no more`() throws {
        var machine = try machine()
        #expect(machine.step(.subscribed("framework")).isEmpty)
        let effects = machine.step(
            .offered([
                offer("small", cpus: 0.4, mem: 1000), offer("fits", cpus: 1, mem: 64), offer("big", cpus: 8, mem: 8000),
            ]))
        #expect(names(effects) == ["launch on fits", "decline small,big", "suppress"])
    }

    @Test func `offers without room are declined and it goes on waiting`() throws {
        var machine = try machine()
        _ = machine.step(.subscribed("framework"))
        #expect(names(machine.step(.offered([offer("small", cpus: 0.4, mem: 64)]))) == ["decline small"])
        #expect(names(machine.step(.patienceEnded)) == ["say waiting for an offer with cpus:0.5;mem:64"])
    }

    @Test func `the task asks for what was wanted and runs the command as it is`() throws {
        var machine = try machine()
        _ = machine.step(.subscribed("framework"))
        guard case .launch(_, let info) = machine.step(.offered([offer("o", cpus: 1, mem: 64)])).first else {
            Issue.record("nothing was launched")
            return
        }
        #expect(info.command.arguments == ["sh", "-c", "exit 3"])
        #expect(info.command.value == "sh" && !info.command.shell)
        #expect(info.resources.map(\.scalar.value) == [0.5, 64])
        #expect(!info.hasContainer)
    }

    @Test func `a container gets the program and then the arguments, as Mesos passes them to an image`() throws {
        var machine = try machine(dockerImage: "image:1")
        _ = machine.step(.subscribed("framework"))
        guard case .launch(_, let info) = machine.step(.offered([offer("o", cpus: 1, mem: 64)])).first else {
            Issue.record("nothing was launched")
            return
        }
        #expect(info.command.value == "sh" && info.command.arguments == ["-c", "exit 3"])
        #expect(info.container.docker.image == "image:1")
    }

    private func launched(isReadable: Bool = true) throws -> TaskRunMachine {
        var machine = try machine()
        _ = machine.step(.subscribed("framework"))
        var offer = offer("o", cpus: 1, mem: 64)
        if !isReadable { offer.clearURL() }
        _ = machine.step(.offered([offer]))
        return machine
    }

    @Test func `output is followed from the first sign of life and drained before the exit`() throws {
        var machine = try launched()
        #expect(names(machine.step(.updated(status(.taskStarting)))) == ["acknowledge"])
        #expect(names(machine.step(.updated(status(.taskRunning)))) == ["acknowledge", "follow http://10.0.0.1:5051"])
        let ended = machine.step(.updated(status(.taskFailed, "Command exited with status 3")))
        #expect(names(ended) == ["acknowledge", "drain"])
        #expect(names(machine.step(.outputDrained)) == ["finish 3"])
    }

    @Test func `a task that never ran says why`() throws {
        var machine = try launched()
        let effects = machine.step(.updated(status(.taskFailed, "Failed to pull Docker image 'nope:1': not found")))
        #expect(names(effects).contains("say TASK_FAILED: Failed to pull Docker image 'nope:1': not found"))
        #expect(names(machine.step(.outputDrained)) == ["finish 125"])
    }

    @Test func `a command that did not end by itself has its status, and why it ended is said`() throws {
        var exhausted = status(.taskFailed, "Memory limit exceeded: at 64 MB; Container exited with status 137")
        exhausted.reason = .containerLimitationMemory
        for (end, exit) in [(exhausted, 137), (status(.taskKilled, "Container exited with status 143"), 143)] {
            var machine = try launched()
            let effects = machine.step(.updated(end))
            #expect(names(effects).contains("say \(end.state.name): \(end.message)"))
            #expect(names(machine.step(.outputDrained)) == ["finish \(exit)"])
        }
    }

    @Test func `the first interruption kills the task, the second leaves`() throws {
        var machine = try launched()
        #expect(names(machine.step(.interrupted)) == ["say killing the task", "kill", "expect end"])
        #expect(names(machine.step(.interrupted)) == ["finish 130"])
    }

    @Test func `a kill that nobody carries out is not waited for without end`() throws {
        var machine = try launched()
        _ = machine.step(.interrupted)
        #expect(names(machine.step(.killOverdue)).last == "finish 130")
        var ended = try launched()
        _ = ended.step(.interrupted)
        _ = ended.step(.updated(status(.taskKilled)))
        #expect(ended.step(.killOverdue).isEmpty)
    }

    @Test func `whoever interrupts it while nobody leads does not wait`() throws {
        var machine = try launched()
        _ = machine.step(.disconnected)
        #expect(names(machine.step(.interrupted)).last == "finish 130")
        // Nor if the leader goes after it was asked.
        var asked = try launched()
        _ = asked.step(.interrupted)
        #expect(names(asked.step(.disconnected)).last == "finish 130")
    }

    @Test func `a leader that never comes is given up, one that comes in time is not`() throws {
        var machine = try machine()
        #expect(names(machine.step(.started)) == ["expect leader 0 within 60.0 seconds"])
        var alone = machine
        #expect(names(alone.step(.leaderOverdue(absence: 0))).last == "finish 125")
        _ = machine.step(.subscribed("framework"))
        #expect(machine.step(.leaderOverdue(absence: 0)).isEmpty)
        // It is lost before anything fits: the time begins anew.
        #expect(names(machine.step(.disconnected)) == ["expect leader 1 within 60.0 seconds"])
        #expect(machine.step(.leaderOverdue(absence: 0)).isEmpty)
        #expect(names(machine.step(.leaderOverdue(absence: 1))).last == "finish 125")
    }

    @Test func `a task that runs is waited for through an outage, not for ever`() throws {
        var machine = try launched()
        #expect(names(machine.step(.disconnected)) == ["expect leader 1 within 600.0 seconds"])
        var returned = machine
        #expect(names(machine.step(.leaderOverdue(absence: 1))).last == "finish 125")
        #expect(names(returned.step(.subscribed("framework"))) == ["reconcile"])
        #expect(returned.step(.leaderOverdue(absence: 1)).isEmpty)
    }

    @Test func `after a kill the exit status is that of an interrupted command`() throws {
        var machine = try launched()
        _ = machine.step(.interrupted)
        let effects = machine.step(.updated(status(.taskKilled, "Command terminated with signal Terminated")))
        #expect(!names(effects).contains { $0.hasPrefix("say") }, "whoever asked for it knows")
        #expect(names(machine.step(.outputDrained)) == ["finish 130"])
        // Nor does it depend on whether the output can be read.
        var unread = try launched(isReadable: false)
        _ = unread.step(.interrupted)
        #expect(names(unread.step(.updated(status(.taskKilled)))).last == "finish 130")
    }

    @Test func `a new subscription asks what became of the task`() throws {
        var machine = try launched()
        #expect(names(machine.step(.subscribed("framework"))) == ["reconcile"])
    }

    @Test func `the master's word of the end waits for the agent's, which has the exit status`() throws {
        var machine = try launched()
        _ = machine.step(.updated(status(.taskRunning)))
        var answer = status(.taskFailed, "Reconciliation: Latest task state", uuid: false)
        answer.reason = .reconciliation
        #expect(names(machine.step(.updated(answer))) == ["expect update"])
        var alone = machine
        let ended = machine.step(.updated(status(.taskFailed, "Command exited with status 5")))
        #expect(names(ended) == ["acknowledge", "drain"])
        #expect(machine.step(.updateOverdue(answer)).isEmpty)
        #expect(names(machine.step(.outputDrained)) == ["finish 5"])
        // The agent is gone for good: the master's word must do.
        #expect(names(alone.step(.updateOverdue(answer))).last == "drain")
        #expect(names(alone.step(.outputDrained)) == ["finish 125"])
    }

    @Test func `a task that the master gave up ends at once`() throws {
        var machine = try launched()
        var answer = status(.taskLost, "Reconciliation: Task is unknown", uuid: false)
        answer.reason = .reconciliation
        #expect(names(machine.step(.updated(answer))).last == "drain")
    }

    @Test(arguments: [
        (V1TaskState.taskFinished, "", Int32(0)), (.taskFailed, "Command exited with status 42", 42),
        (.taskFailed, "Container exited with status 7", 7), (.taskFailed, "Command terminated with signal Killed", 137),
        (.taskFailed, "Command terminated with signal Aborted", 134), (.taskLost, "", 125), (.taskError, "bad", 125),
    ])
    func `the exit status is what a shell would report`(state: V1TaskState, message: String, expected: Int32) {
        #expect(TaskOutcome(status(state, message)).exitStatus == expected)
    }
}

extension TaskRunMachine {
    fileprivate mutating func step(_ happening: FrameworkHappening) -> [Effect] { step(.happened(happening)) }
}
