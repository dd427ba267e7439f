// The master's end of the agent link: takes agents in, hands out what they call, and sends them commands.

import Foundation
import HTTPServer
import Mailbox
import MesosProtocol

/// Speaks the agent link for a test's master, which decides what to say.
final class LinkServer: Sendable {
    typealias Receiver = @Sendable (LinkCall) -> Void

    private static let recordIO = "application/recordio"

    private let agentID: String
    private let pingIntervalSeconds: Double
    private let receive: Receiver
    private let streams = Locked<[HTTPStream]>([])
    private let server = Locked<HTTPServer?>(nil)

    private init(_ agentID: String, _ pingIntervalSeconds: Double, _ receive: @escaping Receiver) {
        self.agentID = agentID
        self.pingIntervalSeconds = pingIntervalSeconds
        self.receive = receive
    }

    /// - Parameters:
    ///   - agentID: For an agent that has none.
    ///   - receive: Told of every call. Of a registration once the agent has been told that it is taken in.
    static func start(
        agentID: String, pingIntervalSeconds: Double, _ receive: @escaping Receiver
    ) async throws -> LinkServer {
        let link = LinkServer(agentID, pingIntervalSeconds, receive)
        var limits = HTTPServerLimits()
        limits.streamsBody = { $0.header("Content-Type") == recordIO }
        let server = try await HTTPServer.start(host: "127.0.0.1", port: 0, limits: limits) { [link] request in
            guard let calls = request.bodyStream else { return link.answer(request) }
            return await link.take(calls)
        }
        link.server.withLock { $0 = server }
        return link
    }

    func stop() async { await server.withLock { $0 }?.stop(within: .milliseconds(200)) }

    var port: Int { server.withLock { $0?.port ?? 0 } }
    /// Whether an agent has ever registered.
    var hasAgent: Bool { streams.withLock { !$0.isEmpty } }

    /// To the agent that registered last; nothing without one.
    func send(_ command: LinkCommand) {
        streams.withLock { $0.last }?.write(RecordIO.encode(MediaType.protobuf.encode(command)))
    }

    func acknowledge(_ update: LinkCall.Update) {
        var command = LinkCommand()
        command.type = .acknowledge
        command.acknowledge.frameworkID = update.frameworkID
        command.acknowledge.taskID = update.status.taskID
        command.acknowledge.uuid = update.status.uuid
        send(command)
    }

    func run(_ task: V1TaskInfo, of framework: String) {
        var command = LinkCommand()
        command.type = .runTask
        command.runTask.framework.id.value = framework
        command.runTask.framework.name = "test"
        command.runTask.framework.user = "root"
        command.runTask.framework.checkpoint = true
        command.runTask.task = task
        command.runTask.task.agentID.value = agentID
        send(command)
    }

    func kill(_ task: String, of framework: String, graceNanoseconds: Int64?) {
        var command = LinkCommand()
        command.type = .killTask
        command.killTask.frameworkID.value = framework
        command.killTask.taskID.value = task
        if let graceNanoseconds { command.killTask.killPolicy.gracePeriod.nanoseconds = graceNanoseconds }
        send(command)
    }

    /// Everything that an agent calls on one link.
    private func take(_ calls: HTTPBodyStream) async -> HTTPResponse {
        var decoder = RecordIODecoder()
        do {
            while let piece = try await calls.next() {
                decoder.append(piece)
                while let record = try decoder.next() { receive(try MediaType.protobuf.decode(from: record)) }
            }
            return .empty(202)
        } catch { return .text(400, "\(error)") }
    }

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        guard request.path == "/api/v1/agent-link",
            let call: LinkCall = try? MediaType.protobuf.decode(from: request.body)
        else { return .text(400, "not a link call") }
        guard call.type == .register else {
            receive(call)
            return .empty(202)
        }
        let stream = HTTPStream(bufferedBytesMax: 1 << 20)
        var command = LinkCommand()
        command.type = .registered
        command.registered.agentID.value = call.register.agent.hasID ? call.register.agent.id.value : agentID
        command.registered.pingIntervalSeconds = pingIntervalSeconds
        command.registered.pingMissesMax = 5
        command.registered.master.id = "m1"
        command.registered.master.ip = 0
        command.registered.master.port = 0
        stream.write(RecordIO.encode(MediaType.protobuf.encode(command)))
        let number = streams.withLock { streams in
            streams.append(stream)
            return streams.count
        }
        receive(call)
        return .stream(
            200, stream, contentType: MediaType.protobuf.rawValue,
            headers: [("Mini-Link-Stream-Id", "\(number)"), ("Accept-Post", Self.recordIO)])
    }
}
