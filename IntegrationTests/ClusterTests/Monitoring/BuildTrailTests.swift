// One build, followed by its task's id through the logs of the framework, the master and the agent.

import Foundation
import IntegrationSupport
import Processes
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct BuildTrailTests {
    private typealias Line = [String: String]

    @Test func `a build is found by its task in the logs of framework, master and agent, in JSON and in order`()
        async throws
    {
        let folder = try makeTemporaryDirectory(named: "trail")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cluster = try await ProgramRun.start(
            builtProduct("mini"),
            [
                "up", "--demo", "--masters=1", "--agents=1", "--containerizer=process", "--base_port=0",
                "--work_dir=\(folder)",
            ], environment: SpawnRequest.ownEnvironment + ["MINI_LOG_FORMAT=json"])
        do {
            let trail = try await eventually(
                "a build has gone from the queue to its end: \(cluster.errorText)", within: .seconds(120)
            ) {
                Self.finishedBuild(try Self.lines(below: folder))
            }
            #expect(trail.queued < trail.launched && trail.launched < trail.taken && trail.taken < trail.running)
            #expect(trail.running < trail.ended)
        } catch {
            cluster.process.send(signal: SIGTERM)
            _ = await cluster.end(within: .seconds(45))
            throw error
        }
        let all = try Self.lines(below: folder)
        #expect(all.allSatisfy { Set($0.keys).isSuperset(of: ["time", "level", "program", "message"]) })
        cluster.process.send(signal: SIGTERM)
        #expect(await cluster.end(within: .seconds(45)) == .exited(0))
        cluster.forget()
    }

    /// Every line of every log of the programs that log in JSON.
    private static func lines(below folder: String) throws -> [Line] {
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return try files.filter { $0.hasSuffix(".log") }.flatMap { name -> [Line] in
            let text = String(
                decoding: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data(), as: UTF8.self)
            // The last line may be half written.
            return try text.split(separator: "\n").dropLast().filter { $0.hasPrefix("{\"time\"") }.map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
        }
    }

    private struct Trail {
        var queued: String
        var launched: String
        var taken: String
        var running: String
        var ended: String
    }

    /// Times along the way of a build whose task has ended.
    private static func finishedBuild(_ lines: [Line]) -> Trail? {
        for finished in lines where finished["program"] == "mini-jenkins" && finished["event"] == "finished" {
            guard let task = finished["task_id"], let build = finished["build"],
                let job = build.split(separator: " ").first.map(String.init),
                let queued = lines.first(where: { $0["event"] == "queued" && $0["job"] == job })?["time"],
                let running = lines.first(where: { $0["event"] == "running" && $0["task_id"] == task })?["time"],
                let launched = lines.first(where: {
                    $0["program"] == "mini-master" && $0["task_id"] == task && $0["message"] == "task launched"
                })?["time"],
                let taken = lines.first(where: { $0["program"] == "mini-agent" && $0["task_id"] == task })?["time"],
                let ended = lines.first(where: {
                    $0["program"] == "mini-agent" && $0["task_id"] == task && $0["state"] != nil
                        && !["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"].contains($0["state"])
                })?["time"]
            else { continue }
            return Trail(queued: queued, launched: launched, taken: taken, running: running, ended: ended)
        }
        return nil
    }
}
