// `POST /api/v1` of an agent: every call of the protocol is answered, if only with the reason why not.
import HTTPAccess
import HTTPServer
import Mailbox
import MesosProtocol
import Resources
import Security
import SwiftProtobuf

/// Answers the v1 operator API of Apache Mesos agents from a look at the core.
///
/// Standalone containers and resource providers are refused: this agent has none. Those about nested containers
/// are answered by ``SessionCalls``.
struct AgentCallEndpoint: Sendable {
    let source: AgentAPI.Source?
    let logLevel: LogLevelSwitch

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard request.method == "POST" else {
            return .text(
                405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received '\(request.method)'.",
                headers: [("Allow", "POST")])
        }
        guard let source else { return AgentAPI.recovering }
        let (whole, metrics) = await source.shell.view()
        guard whole.isRecovered else { return AgentAPI.recovering }
        if let body = request.bodyStream {
            return await SessionCalls(source: source, request: request).attachInput(body)
        }
        if request.header("Message-Content-Type") != nil {
            return .text(415, "Expecting 'Message-Content-Type' to be absent for non-streaming requests")
        }
        let call: V1AgentAPICall
        switch CallBody<V1AgentAPICall>(request) {
        case .refused(let response): return response
        case .call(let decoded): call = decoded
        }
        if let fault = AgentCallValidation.fault(in: call) {
            return .text(400, "Failed to validate agent::Call: \(fault)")
        }
        let sessions = SessionCalls(source: source, request: request)
        if call.type == .launchNestedContainerSession || call.type == .attachContainerOutput {
            switch StreamFormat.negotiate(request) {
            case .success(let format): return await sessions.answer(call, nil, format)
            case .failure(let refusal): return refusal.response
            }
        }
        guard let media = MediaType.negotiate(accept: request.headers(named: "Accept")) else {
            if StreamHeaders.names(request.headers(named: "Accept"), StreamHeaders.recordIO) {
                return .text(406, "Streaming response is not supported for \(call.type.callName) call")
            }
            return .text(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
        }
        let security = source.configuration.security
        var answers = AgentAnswers(core: security.visible(whole, to: request.principal), source: source)
        if call.type == .getContainers {
            answers.figures = await source.usage.figures()
            answers.showsContainers = { security.allows(request.principal, .viewContainers, $0) }
        }
        switch call.type {
        case .getFlags:
            guard security.allows(request.principal, .viewFlags, nil) else {
                return .text(403, "Not authorized to view_flags")
            }
            return Self.response(media, .getFlags) { $0.getFlags.flags = answers.flags }
        case .setLoggingLevel:
            guard security.allows(request.principal, .setLogLevel, nil) else {
                return .text(403, "Not authorized to set_log_level")
            }
            let duration = Duration.nanoseconds(call.setLoggingLevel.duration.nanoseconds)
            logLevel.set(Int(min(call.setLoggingLevel.level, 100)), for: duration)
            return .empty(200)
        case .listFiles, .readFile:
            let path = call.type == .listFiles ? call.listFiles.path : call.readFile.path
            let files = FilesAPI(
                files: SandboxFiles(paths: source.paths, logFile: source.configuration.logFile))
            let user = files.files.owner(of: path).flatMap { whole.user(of: $0.executor, in: $0.framework) }
            guard security.allows(request.principal, .accessSandboxes, user) else {
                return .text(403, "Not authorized to access_sandboxes")
            }
            return call.type == .listFiles
                ? Self.list(path, files, media) : Self.read(call.readFile, files, media)
        case .launchNestedContainer, .waitNestedContainer, .killNestedContainer, .removeNestedContainer,
            .launchContainer,
            .waitContainer, .killContainer, .removeContainer, .attachContainerInput:
            return await sessions.answer(call, media, nil)
        case .pruneImages:
            guard security.allows(request.principal, .pruneImages, nil) else {
                return .text(403, "Not authorized to prune_images")
            }
            return await Self.prune(source.engine)
        case .getMetrics:
            let values = AgentMetricsView(whole, metrics, source).values
            return Self.response(media, .getMetrics) { $0.getMetrics.metrics = values.map(Self.metric) }
        default: return Self.plain(call.type, media, answers, logLevel)
        }
    }

    /// The calls that need nothing but the answers' builder, and those that are refused.
    private static func plain(
        _ type: V1AgentAPICall.TypeEnum, _ media: MediaType, _ answers: AgentAnswers, _ logLevel: LogLevelSwitch
    ) -> HTTPResponse {
        switch type {
        case .getHealth: return response(media, .getHealth) { $0.getHealth.healthy = true }
        case .getVersion: return response(media, .getVersion) { $0.getVersion.versionInfo.version = Versions.mesosAPI }
        case .getLoggingLevel:
            let level = UInt32(clamping: logLevel.verbosity)
            return response(media, .getLoggingLevel) { $0.getLoggingLevel.level = level }
        case .getState:
            return lists(media, "GET_STATE", .getState) { answer in
                answer.message("get_state", 9) { answers.state(&$0) }
            }
        case .getContainers:
            return lists(media, "GET_CONTAINERS", .getContainers) { answer in
                answer.message("get_containers", 10) { answers.containers(&$0) }
            }
        case .getFrameworks:
            return lists(media, "GET_FRAMEWORKS", .getFrameworks) { answer in
                answer.message("get_frameworks", 11) { answers.frameworks(&$0) }
            }
        case .getExecutors:
            return lists(media, "GET_EXECUTORS", .getExecutors) { answer in
                answer.message("get_executors", 12) { answers.executors(&$0) }
            }
        case .getTasks:
            return lists(media, "GET_TASKS", .getTasks) { answer in
                answer.message("get_tasks", 13) { answers.tasks(&$0) }
            }
        case .getOperations:
            return response(media, .getOperations) { $0.getOperations.operations = answers.operations }
        case .getResourceProviders: return response(media, .getResourceProviders) { $0.getResourceProviders = .init() }
        case .getAgent: return response(media, .getAgent) { $0.getAgent = answers.agent }
        case .addResourceProviderConfig, .updateResourceProviderConfig, .removeResourceProviderConfig,
            .markResourceProviderGone:
            return .text(501, "This agent has no resource providers")
        case .unknown, .getFlags, .setLoggingLevel, .listFiles, .readFile, .getMetrics, .launchNestedContainer,
            .waitNestedContainer, .killNestedContainer, .removeNestedContainer, .launchNestedContainerSession,
            .attachContainerInput, .attachContainerOutput, .launchContainer, .waitContainer, .killContainer,
            .removeContainer, .pruneImages:
            return .text(501, "501 Not Implemented.")
        }
    }

    /// Images that have names stay, with or without `excluded_images`: the engine may be others', too.
    private static func prune(_ engine: DockerEngine?) async -> HTTPResponse {
        do throws(DockerError) {
            try await engine?.pruneUnnamedImages()
            return .empty(200)
        } catch {
            return .text(500, "Failed to prune images: \(error)")
        }
    }

    // MARK: Answers

    private static func response(
        _ media: MediaType, _ type: V1AgentAPIResponse.TypeEnum, _ fill: (inout V1AgentAPIResponse) -> Void
    ) -> HTTPResponse {
        var response = V1AgentAPIResponse()
        response.type = type
        fill(&response)
        return .bytes(200, media.encode(response), contentType: media.rawValue)
    }

    private static func lists(
        _ media: MediaType, _ name: String, _ type: V1AgentAPIResponse.TypeEnum, _ body: (inout AnswerWriter) -> Void
    ) -> HTTPResponse {
        let bytes = AnswerWriter.answer(media) { answer in
            answer.type(name, type.rawValue)
            body(&answer)
        }
        return .bytes(200, bytes, contentType: media.rawValue)
    }

    private static func metric(_ name: String, _ value: Double) -> V1Metric {
        var metric = V1Metric()
        metric.name = name
        metric.value = value
        return metric
    }

    // MARK: Files

    private static func list(_ path: String, _ files: FilesAPI, _ media: MediaType) -> HTTPResponse {
        do throws(SandboxFiles.Refusal) {
            let infos = try files.entries(of: path)
            return response(media, .listFiles) { $0.listFiles.fileInfos = infos }
        } catch {
            return refusal(error)
        }
    }

    private static func read(
        _ call: V1AgentAPICall.ReadFile, _ files: FilesAPI, _ media: MediaType
    ) -> HTTPResponse {
        do throws(SandboxFiles.Refusal) {
            let piece = try files.piece(
                of: call.path, offset: Int(clamping: call.offset),
                length: call.hasLength ? Int(clamping: call.length) : nil)
            return response(media, .readFile) { response in
                response.readFile.size = UInt64(clamping: piece.size)
                response.readFile.data.append(contentsOf: piece.bytes)
            }
        } catch {
            return refusal(error)
        }
    }

    private static func refusal(_ refusal: SandboxFiles.Refusal) -> HTTPResponse {
        switch refusal {
        case .notFound: .text(404, "No such file or directory")
        case .isDirectory: .text(400, "Cannot read a directory")
        case .forbidden: .text(403, "Not a plain file below the sandbox")
        }
    }
}

extension V1AgentAPICall.TypeEnum {
    /// As in the protocol: `GET_STATE`.
    fileprivate var callName: String {
        "\(self)".reduce(into: "") { $0 += $1.isUppercase ? "_\($1)" : $1.uppercased() }
    }
}

/// Is an agent's call complete enough to be looked at? The reasons are what Apache Mesos answers.
enum AgentCallValidation {
    static func fault(in call: V1AgentAPICall) -> String? {
        guard call.hasType else { return "Expecting 'type' to be present" }
        return missingBody(of: call).map { "Expecting '\($0)' to be present" }
    }

    private static func missingBody(of call: V1AgentAPICall) -> String? {
        switch call.type {
        case .getMetrics: call.hasGetMetrics ? nil : "get_metrics"
        case .setLoggingLevel: call.hasSetLoggingLevel ? nil : "set_logging_level"
        case .listFiles: call.hasListFiles ? nil : "list_files"
        case .readFile: call.hasReadFile ? nil : "read_file"
        case .launchNestedContainer: call.hasLaunchNestedContainer ? nil : "launch_nested_container"
        case .waitNestedContainer: call.hasWaitNestedContainer ? nil : "wait_nested_container"
        case .killNestedContainer: call.hasKillNestedContainer ? nil : "kill_nested_container"
        case .removeNestedContainer: call.hasRemoveNestedContainer ? nil : "remove_nested_container"
        case .launchNestedContainerSession:
            call.hasLaunchNestedContainerSession ? nil : "launch_nested_container_session"
        case .attachContainerInput: call.hasAttachContainerInput ? nil : "attach_container_input"
        case .attachContainerOutput: call.hasAttachContainerOutput ? nil : "attach_container_output"
        case .launchContainer: call.hasLaunchContainer ? nil : "launch_container"
        case .waitContainer: call.hasWaitContainer ? nil : "wait_container"
        case .killContainer: call.hasKillContainer ? nil : "kill_container"
        case .removeContainer: call.hasRemoveContainer ? nil : "remove_container"
        case .addResourceProviderConfig: call.hasAddResourceProviderConfig ? nil : "add_resource_provider_config"
        case .updateResourceProviderConfig:
            call.hasUpdateResourceProviderConfig ? nil : "update_resource_provider_config"
        case .removeResourceProviderConfig:
            call.hasRemoveResourceProviderConfig ? nil : "remove_resource_provider_config"
        case .markResourceProviderGone: call.hasMarkResourceProviderGone ? nil : "mark_resource_provider_gone"
        case .unknown, .getHealth, .getFlags, .getVersion, .getLoggingLevel, .getState, .getContainers, .getFrameworks,
            .getExecutors, .getOperations, .getTasks, .getAgent, .getResourceProviders, .pruneImages:
            nil
        }
    }
}
