// The history on real masters: what a leader had recorded outlives it, and a full disk costs new minutes only.

import ClusterHistory
import DevCluster
import Foundation
import Glibc
import HTTPClient
import IntegrationSupport
import MesosProtocol
import Processes
import Testing
import ZooKeeper

extension RealEnsemble {
    @Suite struct HistoryOfMasters {
        private let directories = TemporaryDirectories()

        /// Two hours of minutes that end before now, and the ten minutes of them.
        private struct Past {
            let now = Int64(Date().timeIntervalSince1970)
            var last: Int64 { now / 600 * 600 - 600 }
            var rows: [HistoryRow] { rows(of: ["ci", "ops"]) }
            var path: String { "/history?from=\(last - 7_200)&to=\(last)&step=60" }

            func rows(of roles: [String]) -> [HistoryRow] {
                (Int64(0)..<120).map { index in
                    var points = [HistorySeries.cluster: HistoryPoint(HistoryAmounts(centiCPUs: 300 + index, tasks: 3))]
                    for role in roles {
                        points[.role(role)] = HistoryPoint(HistoryAmounts(centiCPUs: index, memory: 64, tasks: 1))
                    }
                    return HistoryRow(time: last - 7_200 + index * 60, points: points)
                }
            }

            func record(in directory: String) async throws {
                let store = try HistoryStore.open(directory: directory).store
                try await store.add(rows, .minute, at: now)
                store.close()
            }
        }

        /// A master of its own process.
        private struct Program {
            let command: RunningCommand
            let url: String

            static func start(
                _ zk: ZooKeeperURL, workDir: String, quorum: Int, within entrance: [String] = []
            ) async throws -> Program {
                let command = try await startCommand(
                    entrance.first ?? builtProduct("mini"),
                    entrance.dropFirst() + (entrance.isEmpty ? [] : [builtProduct("mini")]) + [
                        "master", "--zk=\(zk)", "--quorum=\(quorum)", "--work_dir=\(workDir)", "--ip=127.0.0.1",
                        "--port=0", "--no-hostname_lookup", "--zk_session_timeout=2secs",
                    ])
                let port = try await eventually("it listens: \(command.output)", within: .seconds(60)) { () -> Int? in
                    command.output.firstMatch(of: /listens on \S*:(\d+)/).flatMap { Int($0.1) }
                }
                return Program(command: command, url: "http://127.0.0.1:\(port)")
            }

            func get(_ path: String) async -> HTTPClientReply? {
                let request = HTTPClientRequest(url: url + path, totalTimeout: .seconds(5))
                return try? await HTTPClient.shared.fetch(request)
            }

            func leads() async -> Bool { await get("/master/state")?.status == 200 }

            func stop(_ signal: Int32 = SIGTERM) async -> CommandRun {
                command.process.send(signal: signal)
                let run = await command.finished(within: .seconds(60))
                return run
            }
        }

        private func ensemble(_ path: String) throws -> ZooKeeperURL {
            ZooKeeperURL(servers: try RealEnsemble.ensemble.addresses, path: path)
        }

        @Test func `the next leader goes on with what the last one had recorded, and the last one with the next's`()
            async throws
        {
            let past = Past()
            let places = try (0..<3).map { _ in try directories.make(named: "master") }
            try await past.record(in: places[0])
            let zk = try ensemble("/history/mesos")
            let first = try await Program.start(zk, workDir: places[0], quorum: 2)
            try await eventually("the first stands for election alone", within: .seconds(60)) {
                await first.get("/master/state")?.text.contains("1 of 2 required masters") == true
            }
            let others = [
                try await Program.start(zk, workDir: places[1], quorum: 2),
                try await Program.start(zk, workDir: places[2], quorum: 2),
            ]
            try await eventually("the first leads", within: .seconds(60)) { await first.leads() }
            let told = try #require(await first.get(past.path))
            #expect(told.status == 200)
            #expect(told.text.contains("\"ops\""))
            // A standby answers nobody, but its file can be looked into.
            for place in places.dropFirst() {
                let copy = try HistoryStore.open(directory: place).store
                try await eventually("a standby has copied two hours", within: .seconds(90)) {
                    try await copy.rows(.minute, from: past.last - 7_200, to: past.last) == past.rows
                }
                copy.close()
            }
            _ = await first.stop(SIGKILL)
            let next = try await eventually("another leads", within: .seconds(60)) { () -> Program? in
                for one in others { if await one.leads() { return one } }
                return nil
            }
            #expect(try #require(await next.get(past.path)).text == told.text)

            // Who was away for a while gets what it missed.
            let missed = HistoryRow(
                time: past.now / 60 * 60 - 120, points: [.cluster: HistoryPoint(HistoryAmounts(centiCPUs: 777))])
            try unlinkHistory(in: places[0])
            let own = try HistoryStore.open(directory: places[next.url == others[0].url ? 1 : 2]).store
            try await own.add([missed], .minute, at: past.now)
            own.close()
            let back = try await Program.start(zk, workDir: places[0], quorum: 2)
            let copy = try HistoryStore.open(directory: places[0]).store
            try await eventually("it has copied all of it", within: .seconds(90)) {
                let all = try await copy.rows(.minute, from: past.last - 7_200, to: missed.time + 60)
                return all.count == 121 && all.last == missed
            }
            copy.close()
            for one in others + [back] { #expect(await one.stop().end == .exited(0)) }
        }

        private func unlinkHistory(in directory: String) throws {
            for suffix in ["", "-wal", "-shm"] { unlink("\(directory)/\(HistoryStore.fileName)\(suffix)") }
        }

        @Test func `a full disk under the history neither stops the leader nor takes what was recorded`() async throws {
            let past = Past()
            let seed = try directories.make(named: "seed")
            try await past.record(in: seed)
            let disk = try await SmallDisk.mount(on: try directories.make(named: "disk"), mebibytes: 4)
            let file = "/\(HistoryStore.fileName)"
            try FileManager.default.copyItem(atPath: seed + file, toPath: disk.seenFromHere + file)
            let zk = try ensemble("/full/mesos")
            func lead() async throws -> Program {
                let program = try await Program.start(
                    zk, workDir: disk.directory, quorum: 1, within: disk.entrance)
                try await eventually("it leads: \(program.command.output)", within: .seconds(60)) {
                    await program.leads()
                }
                return program
            }
            func told(by program: Program) async throws -> String {
                try await eventually("it tells its history", within: .seconds(60)) { () -> String? in
                    guard let reply = await program.get(past.path), reply.status == 200 else { return nil }
                    return reply.text
                }
            }

            let first = try await lead()
            let before = try await told(by: first)
            #expect(before.contains("\"ops\""))
            // It goes on while the disk is full, and so does the next, which finds it so.
            #expect(disk.fill())
            #expect(await first.leads())
            #expect(await first.stop().end == .exited(0))
            let second = try await lead()
            let complaint = "the history is not kept just now; everything else goes on"
            try await eventually("it says what is wrong: \(second.command.output)", within: .seconds(60)) {
                second.command.output.contains(complaint)
            }
            #expect(await second.leads())
            #expect([200, 503].contains(await second.get(past.path)?.status))
            #expect(second.command.output.components(separatedBy: complaint).count == 2, "once an hour is enough")
            #expect(await second.stop().end == .exited(0))

            disk.empty()
            let third = try await lead()
            #expect(try await told(by: third) == before)
            #expect(await third.stop().end == .exited(0))
            await disk.unmount()
        }
    }
}
