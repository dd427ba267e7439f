// The operator calls about containers inside containers: launch, wait, kill, remove, attach.

import HTTPAccess
import HTTPServer
import MesosProtocol
import Resources
import Security

/// Answers one call. Commands run beside tasks, in the tasks' containers; there are no standalone containers.
struct SessionCalls: Sendable {
    let source: AgentAPI.Source
    let request: HTTPRequest

    private var nested: NestedContainers { source.nested }

    func answer(_ call: V1AgentAPICall, _ media: MediaType?, _ format: StreamFormat?) async -> HTTPResponse {
        switch call.type {
        case .launchNestedContainerSession:
            let body = call.launchNestedContainerSession
            return await launch(body.containerID, body.command, body.hasContainer ? body.container : nil, format)
        case .launchNestedContainer:
            let body = call.launchNestedContainer
            return await launch(body.containerID, body.command, body.hasContainer ? body.container : nil, nil)
        case .launchContainer:
            let body = call.launchContainer
            return await launch(body.containerID, body.command, body.hasContainer ? body.container : nil, nil)
        case .waitNestedContainer: return await wait(call.waitNestedContainer.containerID, media, .waitNestedContainer)
        case .waitContainer: return await wait(call.waitContainer.containerID, media, .waitContainer)
        case .killNestedContainer:
            let body = call.killNestedContainer
            return await kill(body.containerID, body.hasSignal ? body.signal : 9)
        case .killContainer:
            let body = call.killContainer
            return await kill(body.containerID, body.hasSignal ? body.signal : 9)
        case .removeNestedContainer: return await remove(call.removeNestedContainer.containerID)
        case .removeContainer: return await remove(call.removeContainer.containerID)
        case .attachContainerOutput: return await attachOutput(call.attachContainerOutput.containerID, format)
        case .attachContainerInput:
            return .text(415, "Expecting 'Content-Type' of application/recordio for ATTACH_CONTAINER_INPUT call")
        default: return .text(501, "501 Not Implemented.")
        }
    }

    // MARK: Launch

    /// - Parameter format: Nil: the output goes to files.
    private func launch(
        _ message: V1ContainerID, _ command: V1CommandInfo, _ container: V1ContainerInfo?, _ format: StreamFormat?
    ) async -> HTTPResponse {
        guard message.hasParent else {
            return .text(400, "This agent runs no standalone containers: expecting 'container_id.parent' to be present")
        }
        guard let id = NestedContainerID(message) else { return Self.badID }
        guard let launch = await source.shell.launch(of: id.parent) else {
            return .text(400, "Failed to launch container \(id): container '\(id.parent)' is not running")
        }
        let isSession = format != nil
        let parentUser = launch.user
        let user = command.hasUser ? command.user : parentUser
        let actions: [(AuthorizationAction, String)] =
            isSession
            ? [
                (.launchNestedContainerSessionsAsUser, user),
                (.launchNestedContainerSessionsUnderParentWithUser, parentUser),
            ]
            : [(.launchNestedContainersAsUser, user), (.launchNestedContainersUnderParentWithUser, parentUser)]
        for (action, user) in actions where !allows(action, user) { return Self.forbidden(action) }
        if let container, container.type == .docker {
            return .text(400, "A nested container runs in its parent's image: expecting 'container.type' of MESOS")
        }
        var terminal: SessionRequest.Terminal?
        if let container, container.hasTtyInfo {
            let size = container.ttyInfo.windowSize
            terminal = SessionRequest.Terminal(
                rows: UInt16(clamping: size.rows), columns: UInt16(clamping: size.columns))
        }
        let session = SessionRequest(launch: launch, command: command, terminal: terminal, hasInput: isSession)
        do throws(NestedContainers.Refusal) {
            guard let format else {
                try await nested.launch(id, session)
                return .empty(200)
            }
            let writer = makeWriter(format)
            try await nested.openSession(id, session, for: writer)
            return writer.response
        } catch {
            return Self.refusal(error, id)
        }
    }

    private func makeWriter(_ format: StreamFormat) -> ProcessIOWriter {
        ProcessIOWriter(format, heartbeatInterval: source.configuration.httpHeartbeatInterval)
    }

    // MARK: Wait, kill, remove

    private func wait(
        _ message: V1ContainerID, _ media: MediaType?, _ type: V1AgentAPIResponse.TypeEnum
    ) async -> HTTPResponse {
        guard message.hasParent else { return await waitForTask(message, media, type) }
        guard let id = NestedContainerID(message), let launch = await nested.launch(of: id) else {
            return Self.notFound(message)
        }
        guard allows(.waitNestedContainers, launch.user) else { return Self.forbidden(.waitNestedContainers) }
        guard let end = await nested.wait(for: id) else { return Self.notFound(message) }
        return Self.ended(media, type) { answer in
            if let status = end.waitStatus { answer.exitStatus = status }
            if let message = end.message { answer.message = message }
            answer.state = end.isSuccess ? .taskFinished : .taskFailed
        }
    }

    private func waitForTask(
        _ message: V1ContainerID, _ media: MediaType?, _ type: V1AgentAPIResponse.TypeEnum
    ) async -> HTTPResponse {
        let container = ContainerID(message.value)
        if let launch = await source.shell.launch(of: container), !allows(.waitStandaloneContainers, launch.user) {
            return Self.forbidden(.waitStandaloneContainers)
        }
        while !Task.isCancelled {
            let (core, _) = await source.shell.view()
            if core.isAlive(container) {
                try? await Task.sleep(for: .milliseconds(250))
                continue
            }
            let last =
                core.tasks.values.first { $0.record.container == container }?.history.last
                ?? core.completed.last { $0.record.container == container && $0.record.host == nil }?.history.last
            guard last != nil || core.wasExecutor(container) else { break }
            return Self.ended(media, type) { answer in
                if let state = last?.state { answer.state = state }
                if let reason = last?.reason { answer.reason = reason }
                if let message = last?.message { answer.message = message }
            }
        }
        return Self.notFound(message)
    }

    private func kill(_ message: V1ContainerID, _ signal: Int32) async -> HTTPResponse {
        guard let id = NestedContainerID(message), let launch = await nested.launch(of: id) else {
            return await killTask(message, signal)
        }
        guard allows(.killNestedContainers, launch.user) else { return Self.forbidden(.killNestedContainers) }
        guard (1...64).contains(signal) else { return Self.badSignal }
        do throws(NestedContainers.Refusal) {
            try await nested.kill(id, signal: signal)
            return .empty(200)
        } catch {
            return Self.refusal(error, id)
        }
    }

    /// The container of a task or an executor. SIGTERM asks for the task's end as its framework would: with its grace period,
    /// and the framework is told that it was killed. Any other signal is sent as it is; what comes of it is an end that
    /// nobody asked for.
    private func killTask(_ message: V1ContainerID, _ signal: Int32) async -> HTTPResponse {
        let container = ContainerID(message.value)
        guard let launch = await source.shell.launch(of: container) else { return Self.notFound(message) }
        guard allows(.killStandaloneContainers, launch.user) else { return Self.forbidden(.killStandaloneContainers) }
        guard (1...64).contains(signal) else { return Self.badSignal }
        if signal == 15, await source.shell.endTask(in: container) { return .empty(200) }
        await source.shell.signal(launch, signal)
        return .empty(200)
    }

    private static let badSignal = HTTPResponse.text(400, "Expecting 'signal' between 1 and 64")

    private func remove(_ message: V1ContainerID) async -> HTTPResponse {
        guard let id = NestedContainerID(message), let launch = await nested.launch(of: id) else {
            return Self.notFound(message)
        }
        guard allows(.removeNestedContainers, launch.user) else { return Self.forbidden(.removeNestedContainers) }
        do throws(NestedContainers.Refusal) {
            try await nested.remove(id)
            return .empty(200)
        } catch {
            return Self.refusal(error, id)
        }
    }

    // MARK: Attach

    private func attachOutput(_ message: V1ContainerID, _ format: StreamFormat?) async -> HTTPResponse {
        guard let format else { return .text(406, "Expecting 'Accept' to allow a stream") }
        let writer = makeWriter(format)
        guard message.hasParent else {
            let container = ContainerID(message.value)
            guard let launch = await source.shell.launch(of: container) else { return Self.notFound(message) }
            guard allows(.attachContainersOutput, launch.user) else { return Self.forbidden(.attachContainersOutput) }
            let shell = source.shell
            let following = Task {
                await OutputTail(run: launch.run).follow(
                    until: {
                        let (core, _) = await shell.view()
                        return !core.isAlive(container)
                    }, to: writer)
            }
            writer.stream.onClose { _ in following.cancel() }
            return writer.response
        }
        guard let id = NestedContainerID(message), let launch = await nested.launch(of: id) else {
            return Self.notFound(message)
        }
        guard allows(.attachContainersOutput, launch.user) else { return Self.forbidden(.attachContainersOutput) }
        do throws(NestedContainers.Refusal) {
            try await nested.watch(id, with: writer)
            return writer.response
        } catch {
            return Self.refusal(error, id)
        }
    }

    /// ATTACH_CONTAINER_INPUT: the only call whose request is a stream of records.
    func attachInput(_ body: HTTPBodyStream) async -> HTTPResponse {
        guard let media = request.header("Message-Content-Type").flatMap({ MediaType(contentType: $0) }) else {
            return .text(
                400,
                "Expecting 'Message-Content-Type' of application/json or application/x-protobuf for streaming requests")
        }
        var input = SessionInput(body: body, media: media)
        let id: NestedContainerID
        do throws(SessionInput.Fault) {
            guard let first = try await input.next() else {
                return .text(400, "Received EOF while reading request body")
            }
            let attach = first.attachContainerInput
            guard first.type == .attachContainerInput, attach.type == .containerID, attach.hasContainerID else {
                return .text(
                    400, "Expecting the first record to be an ATTACH_CONTAINER_INPUT call with a 'container_id'")
            }
            guard attach.containerID.hasParent else { return await attachInput(&input, to: attach.containerID) }
            guard let named = NestedContainerID(attach.containerID) else { return Self.badID }
            id = named
        } catch {
            return .text(400, error.description)
        }
        guard let launch = await nested.launch(of: id) else { return .text(404, "Container \(id) cannot be found") }
        guard allows(.attachContainersInput, launch.user) else { return Self.forbidden(.attachContainersInput) }
        do throws(NestedContainers.Refusal) {
            let process = try await nested.takeInput(id)
            let answer = await input.type(into: process)
            await nested.releaseInput(id)
            return answer
        } catch {
            return Self.refusal(error, id)
        }
    }

    /// What is typed goes to the task itself.
    private func attachInput(_ input: inout SessionInput, to message: V1ContainerID) async -> HTTPResponse {
        guard let launch = await source.shell.launch(of: ContainerID(message.value)) else {
            return Self.notFound(message)
        }
        guard allows(.attachContainersInput, launch.user) else { return Self.forbidden(.attachContainersInput) }
        do throws(NestedContainers.Refusal) {
            guard let process = try await nested.taskInput(of: launch) else {
                return .text(
                    400,
                    "The task's input is not open: attach to a session in its container, or launch it with 'tty_info' or "
                        + "the Docker parameter 'interactive'")
            }
            let answer = await input.type(into: process)
            process.pipe.endInput()
            return answer
        } catch {
            guard case .failed(let reason) = error else { return .empty(500) }
            return .text(500, "Container \(message.value): \(reason)")
        }
    }

    // MARK: Answers

    private func allows(_ action: AuthorizationAction, _ user: String) -> Bool {
        source.configuration.security.allows(request.principal, action, user)
    }

    private static let badID = HTTPResponse.text(
        400, "Expecting 'container_id.value' of letters, digits, '-' and '_', at most \(NestedContainerID.nameBytesMax)"
    )

    private static func forbidden(_ action: AuthorizationAction) -> HTTPResponse {
        .text(403, "Not authorized to \(action.rawValue)")
    }

    private static func notFound(_ id: V1ContainerID) -> HTTPResponse {
        .text(404, "Container \(id.hasParent ? "\(id.parent.value).\(id.value)" : id.value) cannot be found")
    }

    private static func refusal(_ refusal: NestedContainers.Refusal, _ id: NestedContainerID) -> HTTPResponse {
        switch refusal {
        case .exists: .empty(202)
        case .unknown: .text(404, "Container \(id) cannot be found")
        case .stillRuns: .text(400, "Container \(id) still runs")
        case .tooMany: .text(503, "\(NestedContainers.runningMax) nested containers run; no more are started")
        case .inputTaken: .text(409, "Somebody else is attached to the input of container \(id)")
        case .failed(let reason): .text(500, "Container \(id): \(reason)")
        }
    }

    private static func ended(
        _ media: MediaType?, _ type: V1AgentAPIResponse.TypeEnum,
        _ fill: (inout V1AgentAPIResponse.WaitContainer) -> Void
    ) -> HTTPResponse {
        let media = media ?? .json
        var response = V1AgentAPIResponse()
        response.type = type
        var wait = V1AgentAPIResponse.WaitContainer()
        fill(&wait)
        if type == .waitContainer {
            response.waitContainer = wait
        } else {
            if wait.hasExitStatus { response.waitNestedContainer.exitStatus = wait.exitStatus }
            if wait.hasState { response.waitNestedContainer.state = wait.state }
            if wait.hasReason { response.waitNestedContainer.reason = wait.reason }
            if wait.hasMessage { response.waitNestedContainer.message = wait.message }
        }
        return .bytes(200, media.encode(response), contentType: media.rawValue)
    }
}

extension Launch {
    /// Whom its processes run as, as rules about users see it.
    var user: String { command.hasUser ? command.user : framework.user }
}

extension AgentCore {
    /// Whether the container of a task or an executor has not ended, as far as is known.
    fileprivate func isAlive(_ container: ContainerID) -> Bool {
        tasks.values.contains { $0.record.container == container && !$0.isEnded }
            || executors.values.contains { $0.record.container == container && !$0.isOver }
    }

    fileprivate func wasExecutor(_ container: ContainerID) -> Bool {
        executors.values.contains { $0.record.container == container }
            || completedExecutors.contains { $0.record.container == container }
    }
}

extension StreamFormat {
    /// How the client wants a stream; a refusal if it says so in a way that makes no sense.
    static func negotiate(_ request: HTTPRequest) -> Result<StreamFormat, StreamRefusal> {
        let accept = request.headers(named: "Accept")
        if StreamHeaders.names(accept, StreamHeaders.recordIO) {
            guard let media = request.header("Message-Accept").flatMap({ MediaType(contentType: $0) }) else {
                return .failure(
                    StreamRefusal(
                        response: .text(
                            406, "Expecting 'Message-Accept' of application/json or application/x-protobuf")))
            }
            return .success(StreamFormat(media: media, isRecordIO: true))
        }
        guard let media = MediaType.negotiate(accept: accept) else {
            return .failure(
                StreamRefusal(
                    response: .text(
                        406,
                        "Expecting 'Accept' to allow application/json, application/x-protobuf or application/recordio"))
            )
        }
        return .success(StreamFormat(media: media, isRecordIO: false))
    }
}

/// Why a stream cannot be given.
struct StreamRefusal: Error {
    var response: HTTPResponse
}
