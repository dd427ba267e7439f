// Our documents and events, key by key and type by type, beside what was recorded from Apache Mesos.
import Foundation
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct RecordedShapeTests {
    /// The situation the recordings show: an idle-offered agent, a running and a finished task, a completed framework.
    static func situation() -> (MasterConversation, MasterConversation.Pair) {
        var talk = MasterConversation()
        let gone = talk.subscribe(Samples.framework("gone", failoverTimeout: 0))
        talk.send(.streamClosed(gone))
        var agent = Samples.agent(resources: "cpus:4;mem:4096;disk:100;ports:[31000-31099]")
        for (name, value) in [("rack", "r1"), ("zone", "z1")] {
            var attribute = V1Attribute()
            attribute.name = name
            attribute.type = .text
            attribute.text.value = value
            agent.agent.attributes.append(attribute)
        }
        var capability = V1AgentInfo.Capability()
        capability.type = .multiRole
        agent.capabilities = [capability]
        let pair = talk.pair(Samples.framework(capabilities: [.multiRole]), agent)
        talk.launch([Samples.task("t1", on: pair.agent), Samples.task("t2", on: pair.agent)], pair)
        talk.call(pair.stream, pair.framework, .suppress)
        for (task, state, uuid) in [("t1", V1TaskState.taskRunning, UInt8(1)), ("t2", .taskFinished, 2)] {
            talk.agentCall(pair.link, .update) { call in
                call.update.frameworkID = V1FrameworkID(pair.framework)
                call.update.latestState = state
                var status = Samples.status(TaskID(task), on: pair.agent, state, uuid: uuid)
                status.containerStatus.containerID.value = "c-\(task)"
                status.containerStatus.executorPid = 7
                var network = V1NetworkInfo()
                var address = V1NetworkInfo.IPAddress()
                address.ipAddress = "127.0.0.1"
                network.ipAddresses = [address]
                status.containerStatus.networkInfos = [network]
                call.update.status = status
            }
        }
        talk.acknowledge(pair, "t2", uuid: 2)
        return (talk, pair)
    }

    private func documents(_ talk: MasterConversation) throws -> StateDocuments {
        let facts = MasterFacts(
            configuration: MasterConfiguration(workDir: "/var/lib/mini"), selfInfo: talk.core.selfInfo,
            build: BuildInfo(), startedAt: talk.now.wall)
        return StateDocuments(try #require(talk.core.cluster), facts)
    }

    @Test func `the state document has Apache Mesos's keys and types`() throws {
        let (talk, _) = Self.situation()
        var bytes = try documents(talk).state()
        // The flags differ by nature; that they are texts is what counts.
        let flags = try JSONValue(parsing: bytes)["flags"]
        guard case .object(let members) = flags else {
            Issue.record("flags are no object")
            return
        }
        #expect(members.allSatisfy { $0.value.kindName == "string" })
        bytes = Self.replacingFlags(bytes)
        try JSONShape.expect(bytes, hasShape: "state")
    }

    /// Leaves one flag in.
    private static func replacingFlags(_ bytes: [UInt8]) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let start = text.range(of: "\"flags\":{"), let end = text[start.upperBound...].firstIndex(of: "}") else {
            return bytes
        }
        return Array((text[..<start.upperBound] + "\"port\":\"5050\"" + text[end...]).utf8)
    }

    @Test func `the other lists have them too`() throws {
        let (talk, _) = Self.situation()
        let documents = try documents(talk)
        try JSONShape.expect(documents.slaves(only: nil), hasShape: "slaves")
        try JSONShape.expect(documents.summary(), hasShape: "state-summary")
        try JSONShape.expect(documents.frameworks(only: nil), hasShape: "frameworks")
        try JSONShape.expect(documents.roles(), hasShape: "roles")
        let tasks = documents.tasks(framework: nil, task: nil, isAscending: false, offset: 0, limit: 100)
        try JSONShape.expect(tasks, hasShape: "tasks")
    }

    /// The usual description, plain ones, and one with more in it are each printed by a way of their own.
    @Test(arguments: [
        [(V1NetworkInfo.ProtocolEnum.ipv4, "10.1.2.3")], [(.ipv6, "fe80::1")], [(.ipv4, "10.1.2.3"), (.ipv6, "::1")],
        [],
    ])
    func `what a status says of its container reads as in the API of version 1`(
        addresses: [(V1NetworkInfo.ProtocolEnum, String)]
    ) throws {
        for name in [nil, "bridge"] {
            var container = V1ContainerStatus()
            container.containerID.value = "4f9bd1a0-0c3e-4c52-9f1d-00ab12cd34ef"
            var network = V1NetworkInfo()
            network.ipAddresses = addresses.map { kind, text in
                var address = V1NetworkInfo.IPAddress()
                address.protocol = kind
                address.ipAddress = text
                return address
            }
            if let name { network.name = name }
            if network != V1NetworkInfo() { container.networkInfos = [network] }

            var talk = MasterConversation()
            let pair = talk.pair()
            talk.launch([Samples.task("t1", on: pair.agent)], pair)
            talk.agentCall(pair.link, .update) { call in
                call.update.frameworkID = V1FrameworkID(pair.framework)
                call.update.latestState = .taskRunning
                call.update.status = Samples.status("t1", on: pair.agent, .taskRunning, uuid: 1)
                call.update.status.containerStatus = container
            }
            // Members are compared whatever their order.
            let document = try JSONSerialization.jsonObject(
                with: Data(documents(talk).tasks(framework: nil, task: nil, isAscending: false, offset: 0, limit: 1)))
            let tasks = (document as? [String: Any])?["tasks"] as? [[String: Any]]
            let status = (tasks?.first?["statuses"] as? [[String: Any]])?.last
            let printed = try #require(status?["container_status"] as? NSDictionary)
            #expect(
                printed.isEqual(try JSONSerialization.jsonObject(with: Data(MediaType.json.encode(container)))),
                "\(printed)")
        }
    }

    @Test func `tasks can be chosen, cut and ordered`() throws {
        let (talk, pair) = Self.situation()
        let documents = try documents(talk)
        func ids(_ bytes: [UInt8]) throws -> [String] {
            guard case .array(let tasks)? = try JSONValue(parsing: bytes)["tasks"] else { return [] }
            return tasks.compactMap { task in
                guard case .string(let id)? = task["id"] else { return nil }
                return id
            }
        }
        let all = documents.tasks(framework: pair.framework, task: nil, isAscending: true, offset: 0, limit: nil)
        #expect(try ids(all) == ["t1", "t2"])
        let one = documents.tasks(framework: nil, task: nil, isAscending: false, offset: 1, limit: 1)
        #expect(try ids(one) == ["t1"])
        let none = documents.tasks(framework: nil, task: "t9", isAscending: false, offset: 0, limit: 5)
        #expect(try ids(none).isEmpty)
    }

    @Test func `the figures of an agent add up in the state document`() throws {
        let (talk, _) = Self.situation()
        let state = try JSONValue(parsing: try documents(talk).state())
        guard case .array(let agents)? = state["slaves"], let agent = agents.first else {
            Issue.record("no agents")
            return
        }
        #expect(agent["resources"]?["cpus"] == .number(.double(4)))
        #expect(agent["used_resources"]?["cpus"] == .number(.double(1)))
        #expect(agent["resources"]?["ports"] == .string("[31000-31099]"))
        #expect(agent["pid"] == .string("slave(1)@10.0.0.1:5051"))
        #expect(state["activated_slaves"] == .number(.double(1)))
    }

    @Test func `events have the recorded keys and types`() throws {
        var (talk, pair) = Self.situation()
        for event in talk.events(pair.stream) {
            let bytes = MesosJSON.encode(event)
            switch event.type {
            case .subscribed: try JSONShape.expect(bytes, hasShape: "event-subscribed")
            case .heartbeat: try JSONShape.expect(bytes, hasShape: "event-heartbeat")
            case .offers: try JSONShape.expect(bytes, hasShape: "event-offers")
            default: break
            }
        }
        talk.drain()
        talk.call(pair.stream, pair.framework, .reconcile) { $0.reconcile.tasks = [Self.named("never", pair.agent)] }
        let update = try #require(talk.events(pair.stream).first)
        try JSONShape.expect(MesosJSON.encode(update), hasShape: "event-update-master")
        try JSONShape.expect(MesosJSON.encode(V1SchedulerEvent.rescind("o")), hasShape: "event-rescind")
        try JSONShape.expect(MesosJSON.encode(V1SchedulerEvent.error("e")), hasShape: "event-error")
        try JSONShape.expect(MesosJSON.encode(V1SchedulerEvent.failure(of: "a")), hasShape: "event-failure")
    }

    private static func named(_ task: String, _ agent: AgentID) -> V1SchedulerCall.Reconcile.Task {
        var named = V1SchedulerCall.Reconcile.Task()
        named.taskID.value = task
        named.agentID = V1AgentID(agent)
        return named
    }
}
