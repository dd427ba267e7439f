// What rules forbid to frameworks, agents and operators, and what of the cluster they hide.
import MesosProtocol
import Resources
import Security
import Testing

@testable import MiniMaster

@Suite struct AuthorizationTests {
    private func settings(_ rules: [AuthorizationAction: [AccessControlList.Rule]]) -> MasterSettings {
        var settings = MasterSettings()
        settings.acls = AccessControlList(isPermissive: true, rules: rules)
        return settings
    }

    /// Only `principal` may, with `objects`.
    private func only(_ principal: String, _ objects: AccessControlList.Entity = .any) -> [AccessControlList.Rule] {
        [
            AccessControlList.Rule(subjects: .some([principal]), objects: objects),
            AccessControlList.Rule(subjects: .any, objects: .none),
        ]
    }

    private func framework(_ principal: String?, roles: [String] = ["dev"]) -> V1FrameworkInfo {
        var info = Samples.framework(roles: roles)
        if let principal { info.principal = principal }
        return info
    }

    private func subscribe(
        _ talk: inout MasterConversation, _ info: V1FrameworkInfo, as principal: String?, stream name: String
    ) -> (StreamID, MasterAnswer?) {
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo = info
        if info.hasID { call.frameworkID = info.id }
        let stream = StreamID(name)
        let number = RequestNumber(90_000 + UInt64(name.utf8.reduce(0) { $0 * 31 % 999 + Int($1) }))
        let effects = talk.send(
            .schedulerCalled(
                number,
                SchedulerRequest(call: call, freshStreamID: stream, principal: principal.map { Principal($0) })))
        return (stream, MasterConversation.answer(to: number, in: effects))
    }

    private func operate(
        _ talk: inout MasterConversation, as principal: String?, _ fill: (inout V1OperatorCall) -> Void
    ) -> MasterAnswer? {
        var call = V1OperatorCall()
        fill(&call)
        let number = RequestNumber(77_777)
        let effects = talk.send(
            .operatorCalled(number, OperatorRequest(call: call, principal: principal.map { Principal($0) })))
        return MasterConversation.answer(to: number, in: effects)
    }

    // MARK: Frameworks

    @Test func `who proved to be somebody cannot claim to be somebody else`() {
        var talk = MasterConversation()
        let (_, answer) = subscribe(&talk, framework("bob"), as: "alice", stream: "s")
        #expect(
            answer
                == .refused(
                    status: 400,
                    reason:
                        "Failed to validate scheduler::Call: Authenticated principal 'alice' does not match principal "
                        + "'bob' set in `FrameworkInfo`"))
    }

    @Test func `who proved to be somebody need not say so, and keeps it when it updates itself`() throws {
        var talk = MasterConversation()
        let (stream, _) = subscribe(&talk, framework(nil), as: "alice", stream: "s")
        let known = try #require(talk.core.cluster?.frameworks.framework(on: stream))
        #expect(known.info.principal == "alice")
        var call = V1SchedulerCall()
        call.type = .updateFramework
        call.frameworkID = V1FrameworkID(known.id)
        call.updateFramework.frameworkInfo = framework(nil, roles: ["dev", "ops"])
        call.updateFramework.frameworkInfo.id = call.frameworkID
        let number = RequestNumber(5)
        let effects = talk.send(
            .schedulerCalled(
                number,
                SchedulerRequest(
                    call: call, streamID: stream, freshStreamID: StreamID("x"), principal: Principal("alice"))))
        #expect(MasterConversation.answer(to: number, in: effects) == .done)
        let theft = talk.send(
            .schedulerCalled(
                number,
                SchedulerRequest(
                    call: call, streamID: stream, freshStreamID: StreamID("x"), principal: Principal("eve"))))
        guard case .refused(400, let reason) = MasterConversation.answer(to: number, in: theft) else {
            Issue.record("another principal's call was taken")
            return
        }
        #expect(reason.contains("Authenticated principal 'eve' does not match principal 'alice'"))
    }

    @Test func `a framework from before authentication proves who it is when it comes again`() throws {
        var talk = MasterConversation()
        let (first, _) = subscribe(&talk, framework(nil), as: nil, stream: "s1")
        let id = try #require(talk.core.cluster?.frameworks.framework(on: first)?.id)
        var again = framework(nil)
        again.id = V1FrameworkID(id)
        let (second, _) = subscribe(&talk, again, as: "alice", stream: "s2")
        #expect(talk.events(second).first?.type == .subscribed)
        #expect(talk.core.cluster?.frameworks[id]?.info.principal == "alice")
        let (third, _) = subscribe(&talk, again, as: "eve", stream: "s3")
        #expect(talk.events(third).map(\.error.message) == ["Changing framework's principal is not allowed."])
    }

    @Test func `roles that are not allowed end the subscription with an ERROR`() {
        var talk = MasterConversation(settings: settings([.registerFrameworks: only("alice", .some(["dev"]))]))
        let (good, _) = subscribe(&talk, framework("alice"), as: "alice", stream: "s1")
        #expect(talk.events(good).first?.type == .subscribed)
        let (bad, answer) = subscribe(&talk, framework("alice", roles: ["dev", "ops"]), as: "alice", stream: "s2")
        #expect(answer == .stream(bad))
        #expect(talk.events(bad).map(\.error.message) == ["Not authorized to use roles '{ dev, ops }'"])
        #expect(talk.isClosed(bad))
        let (anonymous, _) = subscribe(&talk, framework(nil), as: nil, stream: "s3")
        #expect(talk.events(anonymous).map(\.error.message) == ["Not authorized to use roles '{ dev }'"])
    }

    @Test func `a task as a user that is not allowed is an error, the others run`() {
        var talk = MasterConversation(settings: settings([.runTasks: only("alice", .some(["bob"]))]))
        let pair = talk.pair(framework("alice"))
        var good = Samples.task("good", on: pair.agent)
        good.command.user = "bob"
        talk.launch([Samples.task("bad", on: pair.agent), good], pair)
        let statuses = talk.statuses(pair.stream)
        #expect(statuses.map(\.taskID.value) == ["bad"])
        #expect(statuses.first?.state == .taskError)
        #expect(statuses.first?.reason == .taskUnauthorized)
        #expect(statuses.first?.message == "Not authorized to launch as user 'root'")
        #expect(talk.commands(pair.link).filter { $0.type == .runTask }.count == 1)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a group with one task as a user that is not allowed fails whole`() {
        var talk = MasterConversation(settings: settings([.runTasks: only("alice", .some(["bob"]))]))
        let pair = talk.pair(framework("alice"))
        var good = Samples.task("good", on: pair.agent)
        good.command.user = "bob"
        let offer = talk.offers(pair.stream).last
        let tasks = [good, Samples.task("bad", on: pair.agent)]
        talk.call(pair.stream, pair.framework, .accept) { call in
            if let offer { call.accept.offerIds = [offer.id] }
            var operation = V1Offer.Operation()
            operation.type = .launchGroup
            operation.launchGroup.executor.type = .default
            operation.launchGroup.executor.executorID.value = "e"
            operation.launchGroup.taskGroup.tasks = tasks
            call.accept.operations = [operation]
        }
        let statuses = talk.statuses(pair.stream)
        #expect(statuses.map(\.taskID.value) == ["good", "bad"])
        #expect(statuses.allSatisfy { $0.state == .taskError && $0.reason == .taskGroupUnauthorized })
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `a reservation that is not allowed is an operation error`() throws {
        var talk = MasterConversation(settings: settings([.reserveResources: only("ops")]))
        let pair = talk.pair(framework("alice"))
        let offer = try #require(talk.offers(pair.stream).last)
        talk.call(pair.stream, pair.framework, .accept) { call in
            call.accept.offerIds = [offer.id]
            var operation = V1Offer.Operation()
            operation.type = .reserve
            operation.id.value = "op"
            operation.reserve.resources = Samples.bag("cpus:1").protobuf()
            call.accept.operations = [operation]
        }
        let status = talk.events(pair.stream).last { $0.type == .updateOperationStatus }?.updateOperationStatus.status
        #expect(status?.state == .operationError)
        #expect(status?.message.contains("Not authorized to reserve_resources") == true)
        #expect(talk.isBalanced(pair.agent))
    }

    // MARK: Agents

    @Test func `an agent that may not register is refused on its link`() {
        var talk = MasterConversation(settings: settings([.registerAgents: only("node")]))
        let link = talk.register(Samples.agent())
        #expect(
            talk.commands(link).map(\.refused.reason) == ["Not authorized to register as agent without a principal"])
        #expect(talk.isClosed(link))
        #expect(talk.agents == [])
    }

    // MARK: Operators

    @Test func `a call that is not allowed is answered 403 and changes nothing`() throws {
        var talk = MasterConversation(
            settings: settings([.teardownFrameworks: only("ops", .some(["alice"])), .updateWeights: only("ops")]))
        let pair = talk.pair(framework("alice"))
        let teardown: (inout V1OperatorCall) -> Void = { call in
            call.type = .teardown
            call.teardown.frameworkID = V1FrameworkID(pair.framework)
        }
        #expect(
            operate(&talk, as: "eve", teardown)
                == .refused(
                    status: 403,
                    reason: "Not authorized to teardown_frameworks for framework_principals 'alice' as principal 'eve'")
        )
        #expect(talk.core.cluster?.frameworks[pair.framework] != nil)
        let weights = operate(&talk, as: nil) { call in
            call.type = .updateWeights
            var weight = V1WeightInfo()
            weight.role = "dev"
            weight.weight = 2
            call.updateWeights.weightInfos = [weight]
        }
        #expect(
            weights
                == .refused(
                    status: 403, reason: "Not authorized to update_weights for roles 'dev' without a principal"))
        #expect(operate(&talk, as: "ops", teardown) == .done)
    }

    @Test func `who may not plan a machine's maintenance cannot take it off the schedule either`() {
        var talk = MasterConversation(
            settings: settings([.updateMaintenanceSchedules: only("ops", .some(["a1.example.org"]))]))
        func plan(_ hosts: [String], as principal: String) -> MasterAnswer? {
            operate(&talk, as: principal) { call in
                call.type = .updateMaintenanceSchedule
                call.updateMaintenanceSchedule.schedule.windows = hosts.map { host in
                    var window = V1MaintenanceWindow()
                    var machine = V1MachineID()
                    machine.hostname = host
                    window.machineIds = [machine]
                    window.unavailability.start.nanoseconds = 1
                    return window
                }
            }
        }
        #expect(plan(["a1.example.org"], as: "ops") == .done)
        #expect(
            plan([], as: "eve")
                == .refused(
                    status: 403,
                    reason: "Not authorized to update_maintenance_schedules for machines 'a1.example.org' "
                        + "as principal 'eve'"))
        #expect(talk.core.cluster?.registry.schedule.count == 1)
        #expect(plan([], as: "ops") == .done)
        #expect(talk.core.cluster?.registry.schedule == [])
    }

    // MARK: The log

    @Test func `every refusal leaves one line that names who and what`() throws {
        var talk = MasterConversation(
            settings: settings([
                .registerFrameworks: only("alice", .some(["dev"])), .runTasks: only("alice", .some(["bob"])),
            ]))
        func lines(_ words: String...) -> Int {
            talk.notes.filter { note in note.level == .warning && words.allSatisfy { note.text.contains($0) } }.count
        }
        _ = subscribe(&talk, framework("alice", roles: ["ops"]), as: "alice", stream: "s1")
        #expect(lines("principal 'alice'", "Not authorized to use roles '{ ops }'") == 1)
        _ = subscribe(&talk, framework("bob"), as: "alice", stream: "s2")
        #expect(lines("'alice' does not match principal 'bob'") == 1)
        talk.drain()

        let pair = talk.pair(framework("alice"))
        talk.launch([Samples.task("bad", on: pair.agent)], pair)
        #expect(
            lines(pair.framework.value, "principal 'alice'", "'bad'", "Not authorized to launch as user 'root'") == 1)
        talk.drain()

        var call = V1SchedulerCall()
        call.type = .revive
        call.frameworkID = V1FrameworkID(pair.framework)
        talk.send(
            .schedulerCalled(
                RequestNumber(7),
                SchedulerRequest(
                    call: call, streamID: pair.stream, freshStreamID: StreamID("x"), principal: Principal("eve"))))
        #expect(lines(pair.framework.value, "principal 'eve' does not match principal 'alice'") == 1)
    }

    @Test func `a name from outside cannot forge a line of the log`() {
        var talk = MasterConversation()
        var info = framework(nil)
        info.name = "x\n2026-01-01 error: all is lost\u{1B}[2J"
        let (stream, _) = subscribe(&talk, info, as: nil, stream: "s")
        #expect(talk.events(stream).first?.type == .subscribed)
        let texts = talk.notes.map(\.text)
        #expect(texts.contains { $0.contains("x?2026-01-01 error: all is lost?[2J") })
        #expect(!texts.contains { $0.contains("\n") || $0.contains("\u{1B}") })
    }

    // MARK: Readers

    @Test func `a viewer sees the frameworks and tasks of the users they may see`() throws {
        var talk = MasterConversation()
        let pair = talk.pair(framework("alice"))
        var task = Samples.task("visible", on: pair.agent)
        task.command.user = "bob"
        talk.launch([task, Samples.task("hidden", on: pair.agent)], pair)
        let cluster = try #require(talk.core.cluster)
        let rules = AccessControlList(
            rules: [
                .viewTasks: [
                    .init(subjects: .some(["eve"]), objects: .some(["bob"])),
                    .init(subjects: .some(["eve"]), objects: .none),
                ], .viewFrameworks: [.init(subjects: .some(["mallory"]), objects: .none)],
            ])
        func names(_ viewer: Viewer) -> [String] {
            let seen = viewer.visible(cluster)
            return seen.frameworks.all.flatMap { seen.tasks.tasks(of: $0.id) }.map(\.name)
        }
        #expect(names(.everything) == ["visible", "hidden"])
        #expect(names(Viewer(principal: Principal("eve"), acls: rules)) == ["visible"])
        #expect(names(Viewer(principal: Principal("ops"), acls: rules)) == ["visible", "hidden"])
        let blind = Viewer(principal: Principal("mallory"), acls: rules).visible(cluster)
        #expect(blind.frameworks.all.isEmpty && blind.tasks.count == 0)
    }

    @Test func `a viewer sees the resources of the roles they may see, in every list of agents`() throws {
        var talk = MasterConversation()
        let agent = Samples.agent(resources: "cpus:4;mem:4096;cpus(secret):2;mem(secret):64;disk(dev):10")
        let pair = talk.pair(framework("alice", roles: ["dev"]), agent)
        let cluster = try #require(talk.core.cluster)
        let rules = AccessControlList(rules: [
            .viewRoles: [.init(subjects: .any, objects: .some(["*", "dev"])), .init(subjects: .any, objects: .none)]
        ])
        let facts = MasterFacts(
            configuration: MasterConfiguration(workDir: "/var/lib/mini"), selfInfo: talk.core.selfInfo,
            build: BuildInfo(), startedAt: talk.now.wall)
        func documents(_ viewer: Viewer) -> [String] {
            let state = StateDocuments(cluster, facts, for: viewer)
            let list = AnswerWriter.answer(.json) { answer in
                OperatorAnswers(viewer.visible(cluster), facts, for: viewer).agents(&answer)
            }
            return [state.state(), state.slaves(only: pair.agent), list].map { String(decoding: $0, as: UTF8.self) }
        }
        for text in documents(.everything) { #expect(text.contains("secret")) }
        for text in documents(Viewer(principal: nil, acls: rules)) {
            #expect(!text.contains("secret"))
            #expect(text.contains("dev"))
        }
    }
}
