// `POST /api/v1/executor`: executors subscribe here and say what becomes of their tasks.

import HTTPAccess
import HTTPServer
import MesosProtocol
import Resources

/// Answers the v1 executor API of Apache Mesos: the same checks in the same order, with the same words.
///
/// There is no stream id: an executor is known by its ids alone. A second SUBSCRIBE takes the place of the first.
struct ExecutorEndpoint: Sendable {
    /// Nil while the agent is not that far.
    let source: AgentAPI.Source?

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard let source, await source.shell.isRecovered else { return AgentAPI.recovering }
        var claims: ExecutorTokens.Claims?
        if let tokens = source.configuration.security.requiredTokens {
            claims = tokens.claims(in: request)
            guard claims != nil else { return ExecutorTokens.refusal }
        }
        guard request.method == "POST" else {
            return .text(
                405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received '\(request.method)'.",
                headers: [("Allow", "POST")])
        }
        let call: V1ExecutorCall
        switch CallBody<V1ExecutorCall>(request) {
        case .refused(let response): return response
        case .call(let decoded): call = decoded
        }
        if let fault = ExecutorCallValidation.fault(in: call) {
            return .text(400, "Failed to validate Executor::Call: \(fault)")
        }
        // Its ids are dummies.
        if call.type == .heartbeat { return .empty(202) }
        let key = ExecutorKey(framework: FrameworkID(call.frameworkID), executor: ExecutorID(call.executorID))
        if let claims {
            // A token of an earlier run under the same name is no longer worth anything.
            let container = await source.shell.container(of: key)
            guard claims.key == key, container == nil || claims.container == container else { return .empty(403) }
        }
        switch call.type {
        case .subscribe:
            return await subscribe(call.subscribe, key, request, source)
        case .update:
            return Self.answer(await source.shell.take(.update(call.update.status), from: key))
        case .message:
            return Self.answer(await source.shell.take(.message(Array(call.message.data)), from: key))
        case .heartbeat, .unknown:
            if let refusal = await source.shell.refusal(of: key) { return Self.answer(refusal) }
            return .text(501, "501 Not Implemented.")
        }
    }

    private func subscribe(
        _ call: V1ExecutorCall.Subscribe, _ key: ExecutorKey, _ request: HTTPRequest, _ source: AgentAPI.Source
    ) async -> HTTPResponse {
        guard let media = MediaType.negotiate(accept: request.headers(named: "Accept")) else {
            return .text(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
        }
        let subscription = await source.shell.subscribe(
            key, media, tasks: call.unacknowledgedTasks.map { TaskID($0.taskID) },
            updates: call.unacknowledgedUpdates.map(\.status))
        switch subscription {
        case .success(let stream): return .stream(200, stream, contentType: media.rawValue)
        case .failure(let refusal): return Self.answer(refusal)
        }
    }

    /// - Parameter refusal: Nil if the call was taken.
    private static func answer(_ refusal: AgentCore.ExecutorRefusal?) -> HTTPResponse {
        switch refusal {
        case nil: .empty(202)
        case .isRecovering: AgentAPI.recovering
        case .unknownFramework: .text(400, "Framework cannot be found")
        case .unknownExecutor: .text(400, "Executor cannot be found")
        case .isNotSubscribed: .text(403, "Executor is not subscribed")
        }
    }
}
