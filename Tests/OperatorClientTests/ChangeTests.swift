// What the changing commands ask of the master, and how they refuse what makes no sense.

import MesosProtocol
import Resources
import Testing

@testable import OperatorClient

@Suite struct ChangeTests {
    private func json(_ call: V1OperatorCall) -> String { String(decoding: MesosJSON.encode(call), as: UTF8.self) }

    private func problem(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "none"
    }

    @Test func `weights are set by role`() throws {
        #expect(
            json(try WeightChange.call(["ci=3", "web/a=0.5,web/b=2"]))
                == #"{"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[{"weight":3.0,"role":"ci"},"#
                + #"{"weight":0.5,"role":"web/a"},{"weight":2.0,"role":"web/b"}]}}"#)
        for pair in ["ci", "ci=", "ci=0", "ci=-1", "ci=many", "ci=inf", "=3"] {
            #expect(problem { _ = try WeightChange.call([pair]) } != "none", "\(pair)")
        }
        #expect(
            problem { _ = try WeightChange.call(["ci=0"]) }
                == "expected role=weight with a weight above 0, found 'ci=0'")
    }

    @Test func `weights and quotas are shown as tables`() throws {
        let weights = try Documents.answer(
            #"{"type":"GET_WEIGHTS","get_weights":{"weight_infos":[{"role":"web","weight":0.5},{"role":"ci","weight":3}]}}"#
        )
        #expect(
            WeightsReport(weights.getWeights).text(Documents.wide) == """
                ROLE  WEIGHT
                ci         3
                web      0.5
                every other role has weight 1
                """)
        #expect(
            WeightsReport(try Documents.answer(#"{"type":"GET_WEIGHTS"}"#).getWeights).text(Documents.wide)
                == "every role has weight 1")
        #expect(
            ReportJSON.text(of: WeightsReport(weights.getWeights))
                == #"{"weights":[{"role":"ci","weight":3},{"role":"web","weight":0.5}]}"#)
        let report = QuotaReport(try quota(), roles: try Documents.roles())
        #expect(
            report.text(Documents.wide) == """
                ROLE  GUARANTEE        LIMIT   CONSUMED
                ci    cpus:4;mem:2048  cpus:8  cpus:2.5;mem:640
                web   -                mem:64  -
                """)
        #expect(
            ReportJSON.text(of: report)
                == #"{"quotas":[{"consumed":{"cpus":2.5,"mem":640},"guarantee":{"cpus":4,"mem":2048},"limit":{"cpus":8},"#
                + #""role":"ci"},{"consumed":{},"guarantee":{},"limit":{"mem":64},"role":"web"}]}"#)
        #expect(QuotaReport(.init(), roles: []).text(Documents.wide) == "no role has a quota")
    }

    private func quota() throws -> V1OperatorResponse.GetQuota {
        try Documents.answer(
            #"""
            {"type":"GET_QUOTA","get_quota":{"status":{"configs":[{"role":"web","limits":{"mem":{"value":64}}},
            {"role":"ci","guarantees":{"cpus":{"value":4},"mem":{"value":2048}},"limits":{"cpus":{"value":8}}}]}}}
            """#
        ).getQuota
    }

    @Test func `what is not said of a quota stays as it is`() throws {
        let current = QuotaReport(try quota(), roles: []).quotas.first
        let call = try QuotaChange.call(
            role: "ci", guarantee: nil, limit: "cpus:6;mem:4096", force: true, current: current)
        #expect(call.updateQuota.force)
        let config = try #require(call.updateQuota.quotaConfigs.first)
        #expect(config.guarantees.mapValues(\.value) == ["cpus": 4, "mem": 2048])
        #expect(config.limits.mapValues(\.value) == ["cpus": 6, "mem": 4096])
        #expect(
            problem {
                _ = try QuotaChange.call(role: "ci", guarantee: nil, limit: "cpus:3", force: false, current: current)
            } == "cpus: expected a limit of at least the guarantee 4, found 3")
        #expect(
            problem {
                _ = try QuotaChange.call(role: "ci", guarantee: "cpus", limit: nil, force: false, current: nil)
            } == "--guarantee: 'cpus': expected name:value or name(role):value")
        #expect(
            problem {
                _ = try QuotaChange.call(role: "ci", guarantee: "ports:[1-2]", limit: nil, force: false, current: nil)
            } == "--guarantee: ports: expected a number, as in cpus:4;mem:1024")
        #expect(json(QuotaChange.removal(role: "ci")).contains(#""quota_configs":[{"role":"ci"}]"#))
    }

    @Test func `a reservation names the role and who asks`() throws {
        let agent = try Lookup.agent("S0", among: Documents.agents())
        let call = try ReservationChange.reserve("cpus:2;mem:512", role: "ci", principal: "ops", on: agent)
        #expect(call.type == .reserveResources && call.reserveResources.agentID.value == agent.id)
        let resources = try Resources(call.reserveResources.resources)
        #expect(resources.reserved(for: try RoleName("ci"))["cpus"] == Scalar(units: 2))
        #expect(call.reserveResources.resources.allSatisfy { $0.reservations.first?.principal == "ops" })
        for (text, role) in [("", "ci"), ("cpus(x):1", "ci"), ("cpus:1", "*"), ("cpus:1", "a//b"), ("cpus", "ci")] {
            #expect(
                problem { _ = try ReservationChange.reserve(text, role: role, principal: nil, on: agent) } != "none",
                "\(text) \(role)")
        }
    }

    @Test func `what is given back is what is reserved, whoever reserved it`() throws {
        let agent = try Lookup.agent("S0", among: Documents.agents())
        let call = try ReservationChange.unreserve("cpus:0.5", role: "ci", on: agent)
        #expect(call.unreserveResources.resources.count == 1)
        #expect(call.unreserveResources.resources.first?.reservations.first?.principal == "ops")
        #expect(call.unreserveResources.resources.first?.scalar.value == 0.5)
        #expect(
            problem { _ = try ReservationChange.unreserve("cpus:2", role: "ci", on: agent) }.hasSuffix(
                "has cpus:1 reserved for role ci by operators or frameworks, which is less than cpus:2"))
        #expect(
            problem { _ = try ReservationChange.unreserve("cpus:2", role: "web", on: agent) }.hasSuffix(
                "has nothing reserved for role web by operators or frameworks, which is less than cpus:2"))
    }

    @Test func `a drain tells how many tasks are left until none is`() throws {
        let agents = try Documents.agents()
        let id = "aaaaaaaa-1111-2222-3333-444444444444-S1"
        let tasks = try Documents.tasks()
        #expect(DrainProgress(agent: id, agents: agents, tasks: tasks).line == "1 task left: web.1")
        #expect(
            DrainProgress(agent: id, agents: agents, tasks: []).line == "no task left; waiting for acknowledgements")
        let gone = DrainProgress(agent: "other", agents: agents, tasks: tasks)
        #expect(gone.isOver && gone.line == "gone")
        #expect(
            json(AgentChange.drain("a", grace: .seconds(90), marksGone: true))
                == #"{"type":"DRAIN_AGENT","drain_agent":{"agent_id":{"value":"a"},"max_grace_period":{"seconds":90,"nanos":0},"#
                + #""mark_gone":true}}"#)
    }

    @Test func `what cannot be taken back is asked in words that name it`() throws {
        let agent = try #require(try Documents.agents().first { $0.hostname == "build-1" })
        #expect(
            ChangeQuestion.markGone(agent)
                == "Agent \(agent.id) (build-1) can never come back after it was declared gone. Go on?")
        var framework = try #require(try Documents.frameworks().first)
        framework.name = "web\u{1B}[2J"
        #expect(
            ChangeQuestion.teardown(framework, tasks: 1)
                == #"This ends framework web\u{1B}[2J (\#(framework.id)) and its 1 task. Go on?"#)
        #expect(
            ChangeQuestion.tornDown(framework, tasks: 2)
                == #"framework web\u{1B}[2J (\#(framework.id)) and its 2 tasks are ended"#)
        #expect(
            ChangeQuestion.down(["m1", "m2\n"]) == #"This ends the agents on m1, m2\n with their tasks. Go on?"#)
    }

    @Test func `machines are found by their agents, by the schedule, or said outright`() throws {
        let agents = try Documents.agents()
        func machine(_ text: String) -> String {
            do {
                let found = try Machine.find(
                    text, agents: agents, scheduled: [Machine(hostname: "old", ip: "10.9.9.9")])
                return "\(found.hostname)/\(found.ip)"
            } catch { return "\(error)" }
        }
        #expect(machine("build-1") == "build-1/10.0.0.1")
        #expect(machine("S1") == "build-2/10.0.0.2")
        #expect(machine("old") == "old/10.9.9.9")
        #expect(machine("10.9.9.9") == "old/10.9.9.9")
        #expect(machine("h/1.2.3.4") == "h/1.2.3.4")
        #expect(machine("nope") == "no agent is called 'nope': `mini agents` lists them")
    }

    @Test func `a window beyond all time is said as the longest there is`() {
        let call = MaintenanceChange.schedule(
            [Machine(hostname: "a", ip: "10.0.0.1")], start: 1e15, duration: .seconds(Int64.max), in: .init())
        let window = call.updateMaintenanceSchedule.schedule.windows[0].unavailability
        #expect(window.start.nanoseconds == .max)
        #expect(window.duration.nanoseconds == .max)
    }

    @Test func `a schedule is changed machine by machine`() throws {
        let one = Machine(hostname: "h1", ip: "10.0.0.1")
        let two = Machine(hostname: "h2", ip: "10.0.0.2")
        let first = MaintenanceChange.schedule([one, two], start: 1_795_684_800, duration: .seconds(7200), in: .init())
        let schedule = first.updateMaintenanceSchedule.schedule
        let moved = MaintenanceChange.schedule([one], start: 1_795_690_000, duration: nil, in: schedule)
        #expect(
            moved.updateMaintenanceSchedule.schedule.windows.map { $0.machineIds.map(\.hostname) } == [["h2"], ["h1"]])
        let less = MaintenanceChange.cancel([two], in: moved.updateMaintenanceSchedule.schedule)
        #expect(less.updateMaintenanceSchedule.schedule.windows.map { $0.machineIds.map(\.hostname) } == [["h1"]])
        var status = V1MaintenanceClusterStatus()
        status.downMachines = [two.message]
        let report = MaintenanceReport(
            moved.updateMaintenanceSchedule.schedule, status, now: Documents.now)
        #expect(
            report.text(Documents.wide) == """
                HOST  IP        MODE       START                     IN     FOR  FRAMEWORKS
                h2    10.0.0.2  down       2026-11-26 09:20:00Z       -  2h 00m  0 agreed, 0 declined
                h1    10.0.0.1  scheduled  2026-11-26 10:46:40Z  1h 26m    ever  0 agreed, 0 declined
                """)
        #expect(MaintenanceReport(.init(), .init(), now: 0).text(Documents.wide) == "no maintenance is scheduled")
    }

    @Test func `a change is told in a sentence and in a document`() {
        let report = ChangeReport("drain", "a-S1", "agent a-S1 is drained")
        #expect(report.text(Documents.wide) == "agent a-S1 is drained")
        #expect(ReportJSON.text(of: report) == #"{"action":"drain","done":"agent a-S1 is drained","subject":"a-S1"}"#)
    }
}
