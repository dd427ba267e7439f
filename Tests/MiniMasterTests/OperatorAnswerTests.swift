// The operator API's lists beside what was recorded from Apache Mesos, and both encodings beside each other.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct OperatorAnswerTests {
    private func answers(_ talk: MasterConversation) throws -> OperatorAnswers {
        let facts = MasterFacts(
            configuration: MasterConfiguration(workDir: "/var/lib/mini"), selfInfo: talk.core.selfInfo,
            build: BuildInfo(), startedAt: talk.now.wall)
        return OperatorAnswers(try #require(talk.core.cluster), facts)
    }

    private func lists(
        _ answers: OperatorAnswers, _ media: MediaType
    ) -> [(shape: String, bytes: [UInt8])] {
        func whole(
            _ name: String, _ type: V1OperatorResponse.TypeEnum, _ field: Int,
            _ body: (inout AnswerWriter) -> Void
        ) -> (String, [UInt8]) {
            let bytes = AnswerWriter.answer(media) { answer in
                answer.type(name.uppercased(), type.rawValue)
                answer.message(name, field, body)
            }
            return ("v1-" + name.split(separator: "_").joined(separator: "-"), bytes)
        }
        return [
            whole("get_agents", .getAgents, 10) { answers.agents(&$0) },
            whole("get_frameworks", .getFrameworks, 11) { answers.frameworks(&$0) },
            whole("get_tasks", .getTasks, 13) { answers.tasks(&$0) },
            whole("get_executors", .getExecutors, 12) { answers.executors(&$0) },
            whole("get_state", .getState, 9) { answers.state(&$0) },
        ].map { (shape: $0.0, bytes: $0.1) }
    }

    @Test func `the lists have Apache Mesos's keys and types`() throws {
        let (talk, _) = RecordedShapeTests.situation()
        for (shape, bytes) in lists(try answers(talk), .json) where shape != "v1-get-state" {
            try JSONShape.expect(bytes, hasShape: shape)
        }
        var roles = V1OperatorResponse()
        roles.type = .getRoles
        roles.getRoles.roles = try answers(talk).roles
        try JSONShape.expect(MesosJSON.encode(roles), hasShape: "v1-get-roles")
    }

    @Test func `both encodings hold the same`() throws {
        let (talk, _) = RecordedShapeTests.situation()
        let answers = try answers(talk)
        for (json, binary) in zip(lists(answers, .json), lists(answers, .protobuf)) {
            let left: V1OperatorResponse = try MediaType.json.decode(from: json.bytes)
            let right: V1OperatorResponse = try MediaType.protobuf.decode(from: binary.bytes)
            // JSON says defaults aloud, so what is compared is what both say.
            #expect(MesosJSON.encode(left) == MesosJSON.encode(right), "\(json.shape)")
        }
    }

    @Test func `the state's parts are those of the calls of their own`() throws {
        let (talk, pair) = RecordedShapeTests.situation()
        let bytes = lists(try answers(talk), .protobuf).last?.bytes ?? []
        let state: V1OperatorResponse = try MediaType.protobuf.decode(from: bytes)
        #expect(state.getState.getTasks.tasks.map(\.taskID.value) == ["t1"])
        #expect(state.getState.getTasks.completedTasks.map(\.taskID.value) == ["t2"])
        #expect(state.getState.getFrameworks.frameworks.map(\.frameworkInfo.id.value) == [pair.framework.value])
        #expect(state.getState.getFrameworks.completedFrameworks.count == 1)
        #expect(state.getState.getAgents.agents.map(\.agentInfo.id.value) == [pair.agent.value])
    }
}
