// Sizes from what earlier builds used: the next agent of a job asks for them.
import DevCluster
import Foundation
import HTTPClient
import IntegrationSupport
import LoadTest
import PracticeJenkins
import Testing

@Suite(.serialized, .timeLimit(.minutes(6)), .enabled(if: RealJenkins.isPractice))
struct AutoSizeTests {
    private func template(_ options: String...) -> FarmTemplate {
        var template = FarmTemplate("sized", "autoSize: apply", "idleTimeout: 1s")
        template.options += options
        template.cpus = "1"
        template.memory = 256
        return template
    }

    private struct Size: Decodable, Equatable {
        var cpus: Double
        var memory: Double
    }

    /// What the framework advises for a job, if it knows enough.
    private func advice(_ farm: JenkinsFarm, for job: String) async throws -> Size? {
        struct Report: Decodable {
            struct Job: Decodable { var suggested: Suggestion? }
            struct Suggestion: Decodable { var size: Size }
            var jobs: [Job]
        }
        var request = HTTPClientRequest(method: "GET", url: farm.frameworkURL + "/usage?job=\(job)")
        request.totalTimeout = .seconds(5)
        let reply = try await HTTPClient.shared.fetch(request)
        return try JSONDecoder().decode(Report.self, from: Data(reply.body)).jobs.first?.suggested?.size
    }

    private func size(_ farm: JenkinsFarm, of node: String) async throws -> Size {
        let task = try #require(await farm.tasks()?.first { $0.id == node })
        let resources = try #require(task.resources)
        return Size(cpus: resources.cpus, memory: resources.mem)
    }

    private enum Past: CaseIterable { case measured, killed }

    /// At once: each has a farm of its own.
    @Test func `the next build asks for what a job's builds used, or for half as much again if the kernel killed one`()
        async
    {
        await atOnce(Past.allCases) { past in
            switch past {
            case .measured: try await threeMeasured()
            case .killed: try await oneKilled()
            }
        }
    }

    private func threeMeasured() async throws {
        try await withFarm(FarmPlan([template()])) { farm in
            // A shell that holds 60 MB for two seconds and a half.
            let hold = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); sleep 2.5"
            try await farm.create(
                FarmJob(
                    "app", .freestyle(label: "sized"),
                    command: farm.ledger.command(seconds: 0) + "\n" + hold))
            for number in 1...3 {
                try await farm.build("app")
                let node = try await farm.start(of: "app", number)
                if number == 1 {
                    #expect(try await size(farm, of: node) == Size(cpus: 1, memory: 256), "nothing is known yet")
                }
                #expect(try await farm.end(of: "app", number).result == "SUCCESS")
            }
            let advised = try await eventually("three measured builds give advice", within: .seconds(30)) {
                try await advice(farm, for: "app")
            }
            #expect(advised.memory >= 64 && advised.memory < 256, "\(advised)")
            #expect(advised.cpus >= 0.25 && advised.cpus <= 4)
            try await farm.expectIdle()

            try await farm.build("app")
            let node = try await farm.start(of: "app", 4)
            #expect(try await size(farm, of: node) == advised)
            #expect(try await farm.end(of: "app", 4).result == "SUCCESS")
        }
    }

    /// In a container, because that has a limit on every host with an engine.
    private func oneKilled() async throws {
        try await SampleImage(agentScript: PracticeAgentScript.text).ensure()
        let cluster = try await DevCluster.start(
            ClusterOptions(
                masters: 1, agents: 1, containerizer: .docker, basePort: 0, executable: builtProduct("mini")))
        do {
            var template = template(
                "container: {image: \"\(SampleImage.reference)\", network: host, volumes: ["
                    + "{containerPath: DIRECTORY, hostPath: DIRECTORY}]}")
            template.memory = 64
            let farm = try await JenkinsFarm.start(
                FarmPlan([template]), named: "memory", on: cluster, agentScript: PracticeAgentScript.text,
                isServed: false)
            try farm.reconfigure { $0.replacing("DIRECTORY", with: farm.directory) }
            try await farm.framework.start()
            try await stepUp(farm)
            await farm.remove()
        } catch {
            await cluster.stop()
            throw error
        }
        #expect(await cluster.stop() == [])
    }

    /// A container has 32 MiB more than its task asks for. One process of the build takes 100.
    private func stepUp(_ farm: JenkinsFarm) async throws {
        try await farm.create(
            FarmJob(
                "app", .freestyle(label: "sized"),
                command: "dd if=/dev/zero of=/dev/null bs=100M count=1\nsleep 1"))
        let asked = { (number: Int) in
            try await farm.build("app")
            let task = try await eventually("an agent for build \(number)", within: .seconds(60)) {
                await farm.tasks()?.first { $0.state == "TASK_RUNNING" }
            }
            return try #require(task.resources).mem
        }
        #expect(try await asked(1) == 64)
        #expect(try await farm.end(of: "app").result == "FAILURE")
        let advised = try await eventually("one killed build gives advice", within: .seconds(30)) {
            try await advice(farm, for: "app")
        }
        // Half as much again, or what it was seen to use with head-room.
        #expect(advised.memory == 96 || advised.memory == 128)
        try await farm.expectIdle()
        #expect(try await asked(2) == advised.memory)
        #expect(try await farm.end(of: "app", 2).result == "SUCCESS")
        try await farm.expectIdle()
    }
}
