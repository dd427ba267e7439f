// The files of a task, read from its agent, also after the task has ended.

import Foundation
import HTTPClient
import MesosProtocol

/// One task's sandbox. Paths are relative to it.
public struct TaskSandbox: Sendable {
    /// A piece of a file is at most this long, so that a slow link shows something.
    private static let pieceMax: UInt64 = 1 << 20
    private static let patience = Duration.seconds(15)

    public let task: ClusterTask
    let connection: OperatorConnection
    let url: String

    /// - Throws: If the agent is not there.
    public init(_ task: ClusterTask, agents: [ClusterAgent], _ connection: OperatorConnection) throws(OperatorFailure) {
        let agent = agents.first { $0.id == task.agentID }
        guard let url = agent?.url(isSecure: connection.isSecure) else {
            throw OperatorFailure(
                .unreachable,
                "the files of task \(task.id) are on agent \(task.agent), which is "
                    + "\(agent.map { $0.state.rawValue } ?? "not there any more"): `mini agents` lists those that are")
        }
        self.task = task
        self.connection = connection
        self.url = url
    }

    private func fetch(
        _ endpoint: String, _ path: String, _ query: [(String, String)] = [], range: String? = nil
    ) async throws(OperatorFailure) -> HTTPClientReply {
        let relative = path.split(separator: "/").joined(separator: "/")
        let whole = relative.isEmpty ? task.sandbox : "\(task.sandbox)/\(relative)"
        let target = endpoint + LeaderSession.text([("path", whole)] + query)
        var request = connection.request("GET", url + target, until: ContinuousClock.now + Self.patience)
        if let range { request.headers.append(("Range", range)) }
        do throws(HTTPClientError) { return try await connection.fetch(request) } catch {
            throw OperatorFailure(.unreachable, "no answer from the agent at \(url): \(error)")
        }
    }

    private func check(_ reply: HTTPClientReply, _ path: String) throws(OperatorFailure) {
        if reply.status == 404 {
            let what = path.isEmpty ? "the sandbox" : "'\(path)'"
            throw OperatorFailure(
                .notFound,
                "task \(task.id) has no \(what) on agent \(task.agent): `mini task ls \(task.id)` lists its files; the agent "
                    + "removes those of a task that ended after its --gc_delay, or when its disk gets full")
        }
        try LeaderSession.check(reply, "the request", "the agent at \(url)")
    }

    public func list(_ path: String) async throws(OperatorFailure) -> [SandboxEntry] {
        let reply = try await fetch("/files/browse", path)
        try check(reply, path)
        do throws(AnswerError) { return try DocumentReading.read(reply.body, "/files/browse") } catch {
            throw OperatorFailure(.refused, "the agent at \(url): \(error)")
        }
    }

    /// In bytes.
    public func size(_ path: String) async throws(OperatorFailure) -> UInt64 {
        struct Answer: Decodable { var offset: UInt64 }
        let reply = try await fetch("/files/read", path)
        try check(reply, path)
        do throws(AnswerError) {
            return try DocumentReading.read(reply.body, "/files/read", as: Answer.self).offset
        } catch {
            throw OperatorFailure(.refused, "the agent at \(url): \(error)")
        }
    }

    /// Up to a mebibyte from `offset` on; nothing at the file's end.
    public func read(
        _ path: String, from offset: UInt64, to end: UInt64? = nil
    ) async throws(OperatorFailure) -> [UInt8] {
        let last = min(offset + Self.pieceMax, end ?? .max)
        guard last > offset else { return [] }
        // Not /files/read, which speaks JSON and cannot carry bytes that are no text.
        let reply = try await fetch("/files/download", path, range: "bytes=\(offset)-\(last - 1)")
        if reply.status == 416 { return [] }
        try check(reply, path)
        // Apache Mesos knows no ranges and sends all of it.
        guard reply.status == 206 else { return Array(reply.body.dropFirst(Int(offset)).prefix(Int(last - offset))) }
        return reply.body
    }

    /// Where the last `count` lines begin.
    public func start(ofLast count: Int, _ path: String, size: UInt64) async throws(OperatorFailure) -> UInt64 {
        guard count > 0 else { return size }
        var (begin, found) = (size, 0)
        while begin > 0 {
            let from = begin > 65_536 ? begin - 65_536 : 0
            let piece = try await read(path, from: from, to: begin)
            for (index, byte) in piece.enumerated().reversed() where byte == UInt8(ascii: "\n") {
                // The newline at the very end ends the last line.
                guard from + UInt64(index) + 1 < size else { continue }
                found += 1
                if found == count { return from + UInt64(index) + 1 }
            }
            begin = from
        }
        return 0
    }
}

/// Follows one file as it grows.
public struct FileFollower: Sendable {
    private static let pauses: [Duration] = [
        .milliseconds(100), .milliseconds(200), .milliseconds(500), .seconds(1), .seconds(2),
    ]
    /// How long an agent may be away, as one that is being restarted is.
    private static let absenceMax = Duration.seconds(60)

    let sandbox: TaskSandbox
    let path: String
    var offset: UInt64

    public init(_ sandbox: TaskSandbox, _ path: String, from offset: UInt64) {
        self.sandbox = sandbox
        self.path = path
        self.offset = offset
    }

    /// Hands on what is in the file and, until the task has ended, what comes.
    ///
    /// - Parameter hasEnded: Asked now and then when nothing comes.
    /// - Returns: When the task has ended and everything was read.
    public mutating func run(
        hasEnded: () async -> Bool, write: ([UInt8]) throws -> Void
    ) async throws {
        var (quiet, isLast) = (0, false)
        var absence: ContinuousClock.Instant?
        while !Task.isCancelled {
            do throws(OperatorFailure) {
                let piece = try await sandbox.read(path, from: offset)
                absence = nil
                if !piece.isEmpty {
                    do { try write(piece) } catch { return }  // Whoever read our output has gone.
                    offset += UInt64(piece.count)
                    quiet = 0
                    continue
                }
                if isLast { return }
            } catch {
                let since = absence ?? .now
                absence = since
                // A file that is not there yet may come as long as the task lives.
                let isPatient = error.kind == .unreachable && ContinuousClock.now - since < Self.absenceMax
                guard isPatient || error.kind == .notFound, !isLast else { throw error }
            }
            if quiet > 1 { isLast = await hasEnded() }
            if isLast { continue }
            try? await Task.sleep(for: Self.pauses[min(quiet, Self.pauses.count - 1)])
            quiet += 1
        }
    }
}

extension TaskSandbox {
    /// Tells the agent to end the task.
    ///
    /// - Parameter isForced: Whether without its grace period.
    public func kill(isForced: Bool) async throws(OperatorFailure) {
        guard let container = task.containerID else {
            throw OperatorFailure(.refused, "task \(task.id) has no container yet: try again when it runs")
        }
        var call = V1AgentAPICall()
        call.type = .killContainer
        call.killContainer.containerID.value = container
        if let parent = task.executorContainerID { call.killContainer.containerID.parent.value = parent }
        call.killContainer.signal = isForced ? 9 : 15
        let media = MediaType.protobuf
        var request = connection.request("POST", url + "/api/v1", until: ContinuousClock.now + Self.patience)
        request.body = media.encode(call)
        request.headers += [("Content-Type", media.rawValue), ("Accept", media.rawValue)]
        let reply: HTTPClientReply
        do throws(HTTPClientError) { reply = try await connection.fetch(request) } catch {
            throw OperatorFailure(.unreachable, "no answer from the agent at \(url): \(error)")
        }
        try LeaderSession.check(reply, "KILL_CONTAINER", "the agent at \(url)")
    }
}
