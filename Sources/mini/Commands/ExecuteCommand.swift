// `mesos-execute`, for scripts that start it by name: flags into tasks, and their updates printed.

import ArgumentParser
import Foundation
import Logging
import MasterDetection
import MesosProtocol
import Settings
import TaskRun

enum ExecuteCommand {
    static func run(_ invocation: Invocation) async throws {
        let abstract = "Run one command, one task or one group of tasks in the cluster, and print what becomes of it."
        if DaemonHelp.answer(invocation, .execute, abstract: abstract) { return }
        let settings = try SettingsResolver.resolve(
            .execute, SettingsInput(arguments: invocation.arguments, environment: [:], files: HostFiles())
        ).orFail()
        for notice in settings.notices { FileHandle.standardError.write(Data("mesos-execute: \(notice)\n".utf8)) }
        let masters: MasterLocations
        do { masters = try MasterLocations.parse(settings.text("master") ?? "") } catch {
            throw settings.problem("master", "\(error)")
        }
        let runner = ExecuteRunner(
            masters: masters, request: try ExecuteRequest(settings), framework: try framework(settings),
            media: try media(settings), credentials: credentials(settings))
        var logger = Logger(label: "mesos-execute", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .critical
        let signals = StopSignals()
        let (interruptions, asking) = AsyncStream.makeStream(of: Void.self)
        let watching = Task {
            while await signals.next() != nil { asking.yield() }
            asking.finish()
        }
        let status = await runner.run(interruptions: interruptions, logger: logger)
        signals.giveUp()
        await watching.value
        throw ExitCode(status)
    }

    private static func framework(_ settings: ResolvedSettings) throws -> V1FrameworkInfo {
        var framework = V1FrameworkInfo()
        framework.user = ProcessInfo.processInfo.userName
        framework.name = "mesos-execute instance"
        framework.roles = [settings.text("role") ?? "*"]
        framework.checkpoint = settings.boolean("checkpoint")
        if let principal = settings.text("principal") { framework.principal = principal }
        var names = ["MULTI_ROLE", "RESERVATION_REFINEMENT", "TASK_KILLING_STATE"]
        if settings.boolean("partition_aware") { names.append("PARTITION_AWARE") }
        for name in settings.list("framework_capabilities") ?? [] where !names.contains(name) { names.append(name) }
        framework.capabilities = try names.map { name in
            let json = Array("{\"type\":\(SettingsJSON.quoted(name))}".utf8)
            let decoded = try? MesosJSON.decode(V1FrameworkInfo.Capability.self, from: json)
            guard let capability = decoded, capability.type != .unknown else {
                throw settings.problem("framework_capabilities", "expected names of capabilities")
            }
            return capability
        }
        return framework
    }

    private static func media(_ settings: ResolvedSettings) throws -> MediaType {
        switch settings.text("content_type") {
        case "json", "application/json": .json
        case "protobuf", "application/x-protobuf": .protobuf
        default: throw settings.problem("content_type", "expected json or protobuf")
        }
    }

    private static func credentials(_ settings: ResolvedSettings) -> (principal: String, secret: String)? {
        guard let principal = settings.text("principal"), let secret = settings.text("secret") else { return nil }
        return (principal, secret)
    }
}

enum SettingsJSON {
    /// A JSON string.
    static func quoted(_ text: String) -> String {
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
