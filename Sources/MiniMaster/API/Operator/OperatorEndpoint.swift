// `POST /api/v1`: reads are answered here from a look at the state, changes and subscriptions by the core.
import HTTPAccess
import HTTPServer
import MesosProtocol
import Resources
import Security

extension MasterAPI {
    /// Checks a call in the order of Apache Mesos and answers it.
    func operatorCall(_ request: RoutedRequest) async -> HTTPResponse {
        let call: V1OperatorCall
        switch CallBody<V1OperatorCall>(request.http) {
        case .refused(let response): return response
        case .call(let decoded): call = decoded
        }
        if let fault = OperatorCallValidation.fault(in: call) {
            return .text(400, "Failed to validate master::Call: \(fault)")
        }
        guard let media = MediaType.negotiate(accept: request.http.headers(named: "Accept")) else {
            return .text(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
        }
        return await answer(call, in: media, request)
    }

    private func answer(_ call: V1OperatorCall, in media: MediaType, _ request: RoutedRequest) async -> HTTPResponse {
        switch call.type {
        case .unknown: return .text(501, "501 Not Implemented.")
        case .getHealth: return Self.response(media, .getHealth) { $0.getHealth.healthy = true }
        case .getFlags:
            guard viewer(of: request).canSeeFlags else { return forbidden(.viewFlags, request) }
            return Self.response(media, .getFlags) { $0.getFlags.flags = flagMessages }
        case .getVersion: return Self.response(media, .getVersion) { $0.getVersion.versionInfo = versionMessage }
        case .getMetrics: return await metrics(call.getMetrics, media)
        case .getLoggingLevel:
            let level = UInt32(clamping: logLevel.verbosity)
            return Self.response(media, .getLoggingLevel) { $0.getLoggingLevel.level = level }
        case .setLoggingLevel:
            guard viewer(of: request).canSetLogLevel else { return forbidden(.setLogLevel, request) }
            let duration = Duration.nanoseconds(call.setLoggingLevel.duration.nanoseconds)
            logLevel.set(Int(min(call.setLoggingLevel.level, 100)), for: duration)
            return .empty(200)
        case .listFiles:
            guard viewer(of: request).canSeeMasterLog else { return forbidden(.accessMesosLogs, request) }
            return listFiles(call.listFiles.path, media)
        case .readFile:
            guard viewer(of: request).canSeeMasterLog else { return forbidden(.accessMesosLogs, request) }
            return readFile(call.readFile, media)

        case .getState:
            return await lists(request, media, "GET_STATE", .getState) { answers, answer in
                answer.message("get_state", 9) { answers.state(&$0) }
            }
        case .getAgents:
            return await lists(request, media, "GET_AGENTS", .getAgents) { answers, answer in
                answer.message("get_agents", 10) { answers.agents(&$0) }
            }
        case .getFrameworks:
            return await lists(request, media, "GET_FRAMEWORKS", .getFrameworks) { answers, answer in
                answer.message("get_frameworks", 11) { answers.frameworks(&$0) }
            }
        case .getExecutors:
            return await lists(request, media, "GET_EXECUTORS", .getExecutors) { answers, answer in
                answer.message("get_executors", 12) { answers.executors(&$0) }
            }
        case .getTasks:
            return await lists(request, media, "GET_TASKS", .getTasks) { answers, answer in
                answer.message("get_tasks", 13) { answers.tasks(&$0) }
            }
        case .getOperations:
            return await small(request, media, .getOperations) {
                $0.getOperations.operations = OperationViews.all($1.cluster)
            }
        case .getRoles:
            return await small(request, media, .getRoles) { response, answers in
                let viewer = viewer(of: request)
                response.getRoles.roles = answers.roles.filter { role in
                    (try? RoleName(role.name)).map { viewer.canSee($0) } ?? true
                }
            }
        case .getWeights:
            return await small(request, media, .getWeights) { response, answers in
                let viewer = viewer(of: request)
                let weights = RegistryViews.weights(answers.cluster).filter { viewer.canSee($0.role) }.map { weight in
                    var info = V1WeightInfo()
                    info.role = weight.role.value
                    info.weight = weight.weight
                    return info
                }
                // Apache Mesos leaves the body out when there is nothing to tell.
                if !weights.isEmpty { response.getWeights.weightInfos = weights }
            }
        case .getMaster: return await small(request, media, .getMaster) { $0.getMaster = $1.master }
        case .getMaintenanceStatus:
            return await small(request, media, .getMaintenanceStatus) {
                $0.getMaintenanceStatus.status = viewer(of: request).visible($1.cluster.maintenanceStatus)
            }
        case .getMaintenanceSchedule:
            return await small(request, media, .getMaintenanceSchedule) {
                $0.getMaintenanceSchedule.schedule = viewer(of: request).visible($1.cluster.maintenanceSchedule)
            }
        case .getQuota:
            return await small(request, media, .getQuota) {
                $0.getQuota.status = RegistryViews.quota($1.cluster, for: viewer(of: request))
            }

        case .subscribe:
            // What a watcher may not see is left out, event by event, as in Apache Mesos.
            let incoming = OperatorRequest(
                call: call, principal: request.principal, freshStreamID: StreamID(WireUUID.random().description))
            return await shell.request(media, path: request.pathAtLeader) { .operatorCalled($0, incoming) }
        case .updateWeights, .reserveResources, .unreserveResources, .createVolumes, .destroyVolumes, .growVolume,
            .shrinkVolume, .updateMaintenanceSchedule, .startMaintenance, .stopMaintenance, .drainAgent,
            .deactivateAgent, .reactivateAgent, .updateQuota, .setQuota, .removeQuota, .teardown, .markAgentGone:
            return await perform(call, request)
        }
    }

    /// As Apache Mesos answers here: without a body.
    private func forbidden(_ action: AuthorizationAction, _ request: RoutedRequest) -> HTTPResponse {
        noteForbidden(action, request)
        return .empty(403)
    }

    // MARK: Answers

    private static func response(
        _ media: MediaType, _ type: V1OperatorResponse.TypeEnum, _ fill: (inout V1OperatorResponse) -> Void
    ) -> HTTPResponse {
        var response = V1OperatorResponse()
        response.type = type
        fill(&response)
        return .bytes(200, media.encode(response), contentType: media.rawValue)
    }

    /// A small answer about the cluster.
    private func small(
        _ request: RoutedRequest, _ media: MediaType, _ type: V1OperatorResponse.TypeEnum,
        _ fill: (inout V1OperatorResponse, OperatorAnswers) -> Void
    ) async -> HTTPResponse {
        await cluster(request) { cluster in
            Self.response(media, type) { fill(&$0, OperatorAnswers(cluster, facts, for: viewer(of: request))) }
        }
    }

    /// An answer that may be large, written element by element.
    private func lists(
        _ request: RoutedRequest, _ media: MediaType, _ name: String, _ type: V1OperatorResponse.TypeEnum,
        _ body: (OperatorAnswers, inout AnswerWriter) -> Void
    ) async -> HTTPResponse {
        await cluster(request) { cluster in
            let bytes = AnswerWriter.answer(media) { answer in
                answer.type(name, type.rawValue)
                body(OperatorAnswers(cluster, facts, for: viewer(of: request)), &answer)
            }
            return .bytes(200, bytes, contentType: media.rawValue)
        }
    }

    // MARK: The process

    private var flagMessages: [V1Flag] {
        facts.configuration.flags.map { name, value in
            var flag = V1Flag()
            flag.name = name
            flag.value = value
            return flag
        }
    }

    private var versionMessage: V1VersionInfo {
        var info = V1VersionInfo()
        info.version = Versions.mesosAPI
        info.buildDate = facts.build.date
        info.buildTime = facts.build.time
        info.buildUser = facts.build.user
        return info
    }

    private func metrics(_ call: V1OperatorCall.GetMetrics, _ media: MediaType) async -> HTTPResponse {
        guard let document = await metricsDocument() else { return Self.stopping }
        return Self.response(media, .getMetrics) { response in
            response.getMetrics.metrics = document.sorted.map { name, value in
                var metric = V1Metric()
                metric.name = name
                metric.value = value
                return metric
            }
        }
    }

    // MARK: Files

    private func listFiles(_ path: String, _ media: MediaType) -> HTTPResponse {
        guard let infos = files.list(path) else { return .text(404, "") }
        var list = V1OperatorResponse.ListFiles()
        list.fileInfos = infos
        let answer = list
        return Self.response(media, .listFiles) { $0.listFiles = answer }
    }

    private func readFile(_ call: V1OperatorCall.ReadFile, _ media: MediaType) -> HTTPResponse {
        do throws(MasterFiles.Refusal) {
            let length = call.hasLength ? Int(clamping: call.length) : MasterFiles.readBytesMax
            let piece = try files.piece(
                call.path, offset: min(call.offset, UInt64(Int64.max)), length: min(length, MasterFiles.readBytesMax))
            return Self.response(media, .readFile) { response in
                response.readFile.size = piece.size
                response.readFile.data.append(contentsOf: piece.bytes)
            }
        } catch {
            switch error {
            case .notFound: return .text(404, "")
            case .isDirectory: return .text(400, "Cannot read a directory")
            }
        }
    }
}
