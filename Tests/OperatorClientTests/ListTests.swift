// The tables and documents of the reading commands, letter by letter.

import MesosProtocol
import Testing

@testable import OperatorClient

@Suite struct ListTests {
    @Test func `agents are listed with what is used of what they have`() throws {
        let report = AgentsReport(agents: try Documents.agents())
        try Golden.expect(report.text(Documents.wide), is: "agents")
        try Golden.expect(report.text(Documents.narrow), is: "agents-narrow")
        #expect(AgentsReport(agents: []).text(Documents.wide) == "no agents")
    }

    @Test func `agents that the master has lost are read from its registry`() throws {
        let text = #"""
            {"unreachable":{"slaves":[{"id":{"value":"a-S5"},"timestamp":{"nanoseconds":1795684700000000000}}]},
            "gone":{"slaves":[{"id":{"value":"a-S6"}}]},"slaves":{"slaves":[]}}
            """#
        let lost: LostAgents = try DocumentReading.read(Array(text.utf8), "/registrar(1)/registry")
        try Golden.expect(AgentsReport(agents: lost.agents).text(Documents.wide), is: "agents-lost")
    }

    @Test func `frameworks are listed with what they hold, those that are over last`() throws {
        let report = FrameworksReport(try Documents.frameworks(), tasks: try Documents.tasks())
        try Golden.expect(report.text(Documents.wide), is: "frameworks")
        try Golden.expect(report.text(Documents.narrow), is: "frameworks-narrow")
        #expect(FrameworksReport([], tasks: []).text(Documents.wide) == "no frameworks")
    }

    @Test func `roles are listed with what they hold against what their weights entitle them to`() throws {
        let report = RolesReport(roles: try Documents.roles())
        try Golden.expect(report.text(Documents.wide), is: "roles")
        try Golden.expect(report.text(Documents.narrow), is: "roles-narrow")
    }

    @Test func `tasks that live are listed, the newest first`() throws {
        let report = TasksReport(try Documents.tasks(), .init())
        try Golden.expect(report.text(Documents.wide), is: "tasks")
        try Golden.expect(report.text(Documents.narrow), is: "tasks-narrow")
        #expect(TasksReport([], .init()).text(Documents.wide) == "no tasks")
    }

    @Test func `of tasks that are over the list says why`() throws {
        var choice = TasksReport.Choice()
        choice.all = true
        let report = TasksReport(try Documents.tasks(), choice)
        try Golden.expect(report.text(Documents.wide), is: "tasks-all")
        try Golden.expect(report.text(Sheet(width: 100, now: Documents.now)), is: "tasks-all-narrow")
    }

    @Test func `tasks are chosen by state, framework, agent and role`() throws {
        let tasks = try Documents.tasks()
        func ids(_ change: (inout TasksReport.Choice) -> Void) -> [String] {
            var choice = TasksReport.Choice()
            change(&choice)
            return TasksReport(tasks, choice).tasks.map(\.id)
        }
        #expect(ids { $0.all = true } == ["ci.4f2a", "ci.4f9b", "web.1", "ci.11aa", "run.77"])
        #expect(ids { $0.state = "failed" } == ["ci.11aa"])
        #expect(ids { $0.state = "TASK_FINISHED" } == ["run.77"])
        #expect(ids { $0.role = "ci" } == ["ci.4f2a", "ci.4f9b"])
        #expect(ids { $0.role = "c" } == [])
        #expect(ids { $0.frameworkID = "aaaaaaaa-1111-2222-3333-444444444444-0001" } == ["web.1"])
        #expect(ids { $0.agentID = "aaaaaaaa-1111-2222-3333-444444444444-S0" } == ["ci.4f2a", "ci.4f9b"])
        #expect(TasksReport.Choice.isState("running") && TasksReport.Choice.isState("TASK_LOST"))
        #expect(!TasksReport.Choice.isState("dead"))
    }

    @Test func `the leader is named with those that stand by`() throws {
        try Golden.expect(Documents.leader().text(Documents.wide), is: "leader")
        let alone = ClusterLeader(try Documents.answer(Documents.masterText).getMaster, url: "http://m:5050")
        try Golden.expect(alone.text(Documents.wide), is: "leader-alone")
    }

    @Test func `the state of a cluster is one screen`() throws {
        let metrics = [
            "master/tasks_running": 1.0, "master/tasks_staging": 1, "master/tasks_failed": 1, "master/tasks_lost": 0,
            "master/tasks_gone_by_operator": 2, "master/slaves_unreachable": 1,
        ]
        let report = StateReport(
            leader: try Documents.leader(), agents: try Documents.agents(), frameworks: try Documents.frameworks(),
            metrics: metrics)
        try Golden.expect(report.text(Documents.wide), is: "state")
        try Golden.expect(report.text(Documents.narrow), is: "state-narrow")
        try Golden.expect(ReportJSON.text(of: report), is: "state-json")
    }

    @Test func `documents have keys in snake case and leave out what is not known`() throws {
        try Golden.expect(
            ReportJSON.text(of: AgentsReport(agents: Array(try Documents.agents().prefix(1)))), is: "agents-json")
        try Golden.expect(
            ReportJSON.text(
                of: TasksReport(
                    Array(try Documents.tasks().suffix(1)),
                    {
                        var choice = TasksReport.Choice()
                        choice.all = true
                        return choice
                    }())), is: "tasks-json")
        try Golden.expect(
            ReportJSON.text(of: RolesReport(roles: Array(try Documents.roles().prefix(2)))), is: "roles-json")
        try Golden.expect(
            ReportJSON.text(of: FrameworksReport(Array(try Documents.frameworks().prefix(1)), tasks: [])),
            is: "frameworks-json")
        try Golden.expect(ReportJSON.text(of: try Documents.leader()), is: "leader-json")
    }

    @Test func `an answer that cannot be used is refused with the field's name`() throws {
        func problem(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return "none"
        }
        var agents = try Documents.answer(Documents.agentsText).getAgents
        agents.agents[1].agentInfo.id.value = ""
        #expect(
            problem { _ = try ClusterAgent.read(agents) }
                == "the answer to GET_AGENTS: agents[1].agent_info.id: expected an id, found none")
        agents = try Documents.answer(Documents.agentsText).getAgents
        agents.agents[0].totalResources[0].scalar.value = -1
        #expect(
            problem { _ = try ClusterAgent.read(agents) }.hasPrefix(
                "the answer to GET_AGENTS: agents[0].total_resources: "))
        var tasks = try Documents.answer(Documents.tasksText).getTasks
        tasks.completedTasks[0].agentID.value = ""
        #expect(
            problem { _ = try ClusterTask.read(tasks, frameworks: [], agents: []) }
                == "the answer to GET_TASKS: completed_tasks[0].agent_id: expected an id, found none")
        var frameworks = try Documents.answer(Documents.frameworksText).getFrameworks
        frameworks.frameworks[0].frameworkInfo.id.value = ""
        #expect(
            problem { _ = try ClusterFramework.read(frameworks) }
                == "the answer to GET_FRAMEWORKS: frameworks[0].framework_info.id: expected an id, found none")
        let roles = Array(#"{"roles":[{"name":"a","weight":1},{"name":"b","weight":"x"}]}"#.utf8)
        #expect(
            problem { let _: RolesAnswer = try DocumentReading.read(roles, "/roles") }
                .hasPrefix("the answer to /roles: roles[1].weight: "))
        let nameless = Array(#"{"roles":[{"weight":1}]}"#.utf8)
        #expect(
            problem { let _: RolesAnswer = try DocumentReading.read(nameless, "/roles") }
                == "the answer to /roles: roles[0].name: expected a value, found none")
    }
}
