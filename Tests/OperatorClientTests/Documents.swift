// A small cluster as its master would describe it, written by hand.

import MesosProtocol
import Testing

@testable import OperatorClient

enum Documents {
    /// 2026-11-26 09:20:00Z
    static let now = 1_795_684_800.0
    static let wide = Sheet(width: nil, now: now)
    static let narrow = Sheet(width: 60, now: now)

    static func answer(_ text: String) throws -> V1OperatorResponse {
        try MesosJSON.decode(V1OperatorResponse.self, from: Array(text.utf8))
    }

    static func agents() throws -> [ClusterAgent] { try ClusterAgent.read(answer(agentsText).getAgents) }

    static func frameworks() throws -> [ClusterFramework] {
        try ClusterFramework.read(answer(frameworksText).getFrameworks)
    }

    static func tasks() throws -> [ClusterTask] {
        try ClusterTask.read(answer(tasksText).getTasks, frameworks: frameworks(), agents: agents())
    }

    static func task(_ name: String) throws -> ClusterTask { try Lookup.task(name, among: tasks()) }

    static func roles() throws -> [ClusterRole] {
        let answer: RolesAnswer = try DocumentReading.read(Array(rolesText.utf8), "/roles")
        return answer.read(total: Amounts(cpus: 12, mem: 24_576, disk: 8_192))
    }

    private static func scalars(_ cpus: Double, _ mem: Double, role: String? = nil) -> String {
        let allocation = role.map { #","allocation_info":{"role":"\#($0)"}"# } ?? ""
        return #"{"name":"cpus","type":"SCALAR","scalar":{"value":\#(cpus)}\#(allocation)},"#
            + #"{"name":"mem","type":"SCALAR","scalar":{"value":\#(mem)}\#(allocation)}"#
    }

    private static func agent(_ id: String, _ host: String, _ rest: String) -> String {
        """
        {"agent_info":{"hostname":"\(host)","port":5051,"id":{"value":"aaaaaaaa-1111-2222-3333-444444444444-\(id)"},
        "attributes":[{"name":"rack","type":"TEXT","text":{"value":"r1"}},
        {"name":"cores","type":"SCALAR","scalar":{"value":8.0}}]},"version":"1.11.0",
        "registered_time":{"nanoseconds":1795684000000000000},
        \(rest)}
        """
    }

    static var agentsText: String {
        """
        {"type":"GET_AGENTS","get_agents":{"agents":[
        \(agent("S0", "build-1", #"""
            "active":true,"pid":"slave(1)@10.0.0.1:5051","total_resources":[\#(scalars(4, 8_192)),
            {"name":"disk","type":"SCALAR","scalar":{"value":4096}},
            {"name":"cpus","type":"SCALAR","scalar":{"value":1},
            "reservations":[{"type":"DYNAMIC","role":"ci","principal":"ops"}]}],
            "allocated_resources":[\#(scalars(1.5, 640, role: "ci"))],"offered_resources":[\#(scalars(1, 1_024))]
            """#)),
        \(agent("S1", "build-2", #"""
            "active":false,"deactivated":true,"pid":"slave(1)@10.0.0.2:5051",
            "drain_info":{"state":"DRAINING","config":{"mark_gone":false}},
            "estimated_drain_start_time":{"nanoseconds":1795684500000000000},
            "total_resources":[\#(scalars(4, 8_192)),{"name":"disk","type":"SCALAR","scalar":{"value":4096}}],
            "allocated_resources":[\#(scalars(0.5, 256, role: "web"))]
            """#)),
        \(agent("S12", "build-3", #"""
            "active":false,"deactivated":true,"pid":"slave(1)@10.0.0.3:5051","total_resources":[\#(scalars(3, 8_192))]
            """#))],
        "recovered_agents":[{"hostname":"build-4","id":{"value":"aaaaaaaa-1111-2222-3333-444444444444-S3"}}]}}
        """
    }

    static var frameworksText: String {
        """
        {"type":"GET_FRAMEWORKS","get_frameworks":{"frameworks":[
        {"framework_info":{"user":"jenkins","name":"Jenkins","id":{"value":"aaaaaaaa-1111-2222-3333-444444444444-0000"},
        "roles":["ci","ci/nightly"],"principal":"jenkins","hostname":"ci.example.com"},
        "active":true,"connected":true,"recovered":false,"registered_time":{"nanoseconds":1795684100000000000},
        "allocated_resources":[\(scalars(1.5, 640, role: "ci"))],"offered_resources":[\(scalars(1, 1_024))]},
        {"framework_info":{"user":"root","name":"web","id":{"value":"aaaaaaaa-1111-2222-3333-444444444444-0001"},
        "role":"web"},"active":false,"connected":false,"recovered":false,
        "registered_time":{"nanoseconds":1795684200000000000},
        "allocated_resources":[\(scalars(0.5, 256, role: "web"))]}],
        "completed_frameworks":[{"framework_info":{"user":"root","name":"mini run: run",
        "id":{"value":"aaaaaaaa-1111-2222-3333-444444444444-0002"},"roles":["*"]},"active":false,"connected":false,
        "recovered":false,"registered_time":{"nanoseconds":1795684300000000000},
        "unregistered_time":{"nanoseconds":1795684400000000000}}]}}
        """
    }

    private static func status(_ state: String, _ time: Double, _ rest: String = "") -> String {
        """
        {"task_id":{"value":"x"},"state":"\(state)","timestamp":\(time)\(rest)}
        """
    }

    private static func task(
        _ id: String, _ name: String, framework: String, agent: String, state: String, cpus: Double, mem: Double,
        role: String, _ statuses: [String]
    ) -> String {
        """
        {"name":"\(name)","task_id":{"value":"\(id)"},
        "framework_id":{"value":"aaaaaaaa-1111-2222-3333-444444444444-\(framework)"},
        "agent_id":{"value":"aaaaaaaa-1111-2222-3333-444444444444-\(agent)"},"state":"\(state)",
        "resources":[\(scalars(cpus, mem, role: role))],"statuses":[\(statuses.joined(separator: ","))]}
        """
    }

    static var tasksText: String {
        let container = #","container_status":{"container_id":{"value":"c-1"}}"#
        let running = [
            status("TASK_STARTING", 1_795_684_740, #","source":"SOURCE_EXECUTOR""#),
            status("TASK_RUNNING", 1_795_684_742, #","source":"SOURCE_EXECUTOR","healthy":true"# + container),
        ]
        let killed = [
            status("TASK_RUNNING", 1_795_684_602, #","source":"SOURCE_EXECUTOR""# + container),
            status(
                "TASK_FAILED", 1_795_684_620,
                #","source":"SOURCE_AGENT","reason":"REASON_CONTAINER_LIMITATION_MEMORY","#
                    + #""message":"Memory limit exceeded: 96 MB asked, killed\nby the kernel""#),
        ]
        return """
            {"type":"GET_TASKS","get_tasks":{"tasks":[
            \(task("ci.4f2a", "build app", framework: "0000", agent: "S0", state: "TASK_RUNNING", cpus: 1, mem: 512,
                   role: "ci", running)),
            \(task("ci.4f9b", "test app", framework: "0000", agent: "S0", state: "TASK_STAGING", cpus: 0.5, mem: 128,
                   role: "ci/nightly", []))],
            "unreachable_tasks":[
            \(task("web.1", "web", framework: "0001", agent: "S1", state: "TASK_UNREACHABLE", cpus: 0.5, mem: 256,
                   role: "web", [status("TASK_RUNNING", 1_795_684_250), status("TASK_UNREACHABLE", 1_795_684_700)]))],
            "completed_tasks":[
            \(task("ci.11aa", "leaky", framework: "0000", agent: "S0", state: "TASK_FAILED", cpus: 1, mem: 96,
                   role: "ci", killed)),
            \(task("run.77", "run", framework: "0002", agent: "S9", state: "TASK_FINISHED", cpus: 0.1, mem: 32,
                   role: "*", [status("TASK_FINISHED", 1_795_684_390)]))]}}
            """
    }

    static let rolesText = """
        {"roles":[{"name":"*","weight":1.0,"quota":{"role":"*","guarantee":{},"limit":{},"consumed":{}},"resources":{},
        "allocated":{},"offered":{},"reserved":{},"frameworks":[]},
        {"name":"ci","weight":3.0,"quota":{"role":"ci","guarantee":{"cpus":4.0,"mem":2048.0},"limit":{"cpus":8.0},
        "consumed":{"cpus":2.5,"mem":640.0,"ports":"[31000-31001]"}},"resources":{"cpus":2.5,"mem":1664.0},
        "allocated":{"cpus":1.5,"mem":640.0},"offered":{"cpus":1.0,"mem":1024.0},"reserved":{"cpus":1.0},
        "frameworks":["aaaaaaaa-1111-2222-3333-444444444444-0000"]},
        {"name":"ci/nightly","weight":1.0,"resources":{"cpus":0.5},"allocated":{"cpus":0.5},"offered":{},"reserved":{},
        "frameworks":["aaaaaaaa-1111-2222-3333-444444444444-0000"]},
        {"name":"web","weight":1.0,"resources":{"cpus":0.5,"mem":256.0},"allocated":{"cpus":0.5,"mem":256.0},
        "offered":{},"reserved":{},"frameworks":["aaaaaaaa-1111-2222-3333-444444444444-0001"]}]}
        """

    static let masterText = """
        {"type":"GET_MASTER","get_master":{"master_info":{"id":"m-2","ip":0,"port":5050,"pid":"master@10.0.0.12:5050",
        "hostname":"m2.example.com","version":"1.11.0"},"start_time":1795680000.5,"elected_time":1795684615.0}}
        """

    static let mastersText = """
        {"quorum":2,"availability":"leading","masters":[
        {"member":"json.info_0000000001","leader":true,"self":true,"id":"m-2","pid":"master@10.0.0.12:5050",
        "hostname":"m2.example.com","ip":"10.0.0.12","port":5050,"foreign":false},
        {"member":"json.info_0000000002","leader":false,"self":false,"id":"m-3","pid":"master@10.0.0.13:5050",
        "hostname":"m3.example.com","ip":"10.0.0.13","port":5050,"foreign":false},
        {"member":"json.info_0000000003","leader":false,"self":false}]}
        """

    static func leader() throws -> ClusterLeader {
        let masters: MastersAnswer = try DocumentReading.read(Array(mastersText.utf8), "/masters")
        return ClusterLeader(try answer(masterText).getMaster, url: "http://10.0.0.12:5050").adding(masters)
    }
}
