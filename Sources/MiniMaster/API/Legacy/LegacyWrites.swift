// The older endpoints that change something: each body becomes the operator call that does the same.
import HTTPServer
import MesosProtocol
import Resources
import SwiftProtobuf

extension MasterAPI {
    // MARK: Forms

    func teardown(_ request: RoutedRequest) async -> HTTPResponse {
        await form(request) { form throws(BadBody) in
            var call = V1OperatorCall()
            call.type = .teardown
            call.teardown.frameworkID.value = try Self.field("frameworkId", of: form)
            return call
        }
    }

    func reserve(_ request: RoutedRequest) async -> HTTPResponse {
        await form(request) { form throws(BadBody) in
            var call = V1OperatorCall()
            call.type = .reserveResources
            call.reserveResources.agentID.value = try Self.field("slaveId", of: form)
            if form["source"] != nil { call.reserveResources.source = try Self.resources("source", of: form) }
            call.reserveResources.resources = try Self.resources("resources", of: form)
            return call
        }
    }

    func unreserve(_ request: RoutedRequest) async -> HTTPResponse {
        await form(request) { form throws(BadBody) in
            var call = V1OperatorCall()
            call.type = .unreserveResources
            call.unreserveResources.agentID.value = try Self.field("slaveId", of: form)
            call.unreserveResources.resources = try Self.resources("resources", of: form)
            return call
        }
    }

    func createVolumes(_ request: RoutedRequest) async -> HTTPResponse {
        await form(request) { form throws(BadBody) in
            var call = V1OperatorCall()
            call.type = .createVolumes
            call.createVolumes.agentID.value = try Self.field("slaveId", of: form)
            call.createVolumes.volumes = try Self.resources("volumes", of: form)
            return call
        }
    }

    func destroyVolumes(_ request: RoutedRequest) async -> HTTPResponse {
        await form(request) { form throws(BadBody) in
            var call = V1OperatorCall()
            call.type = .destroyVolumes
            call.destroyVolumes.agentID.value = try Self.field("slaveId", of: form)
            call.destroyVolumes.volumes = try Self.resources("volumes", of: form)
            return call
        }
    }

    /// A body that is not what the endpoint takes; the text is the answer's.
    struct BadBody: Error { var reason: String }

    private func form(
        _ request: RoutedRequest, _ body: (FormBody) throws(BadBody) -> V1OperatorCall
    ) async -> HTTPResponse {
        let call: V1OperatorCall
        do throws(FormBody.Fault) {
            let form = try FormBody(request.http.body)
            do throws(BadBody) {
                call = try body(form)
            } catch {
                return .text(400, error.reason)
            }
        } catch {
            return .text(400, "\(error)")
        }
        return await perform(call, request)
    }

    private static func field(_ name: String, of form: FormBody) throws(BadBody) -> String {
        guard let value = form[name] else {
            throw BadBody(reason: "Missing '\(name)' query parameter in the request body")
        }
        return value
    }

    private static func resources(_ name: String, of form: FormBody) throws(BadBody) -> [V1Resource] {
        let text = try field(name, of: form)
        return try list(Array(text.utf8)) { reason in
            "Error in parsing '\(name)' query parameter in the request body: \(reason)"
        }
    }

    // MARK: JSON

    /// A body that is a JSON array of messages.
    private static func list<M: Message>(
        _ bytes: [UInt8], fault: (_ reason: String) -> String
    ) throws(BadBody) -> [M] {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw BadBody(reason: fault("\(error)"))
        }
        guard case .array(let elements) = value else {
            throw BadBody(reason: fault("Expecting a JSON array, found a JSON \(value.kindName)"))
        }
        var messages: [M] = []
        messages.reserveCapacity(elements.count)
        for element in elements {
            do throws(MesosJSONError) {
                messages.append(try MesosJSON.decode(M.self, from: element))
            } catch {
                throw BadBody(reason: fault("\(error)"))
            }
        }
        return messages
    }

    /// The beginning of a body, to be named in an answer.
    private static func shown(_ body: [UInt8]) -> String {
        let text = String(decoding: body.prefix(256), as: UTF8.self)
        return body.count > 256 ? text + "..." : text
    }

    func updateWeights(_ request: RoutedRequest) async -> HTTPResponse {
        var call = V1OperatorCall()
        call.type = .updateWeights
        do throws(BadBody) {
            call.updateWeights.weightInfos = try Self.list(request.http.body) { reason in
                "Failed to parse update weights request JSON '\(Self.shown(request.http.body))': \(reason)"
            }
        } catch {
            return .text(400, error.reason)
        }
        return await perform(call, request)
    }

    func setQuota(_ request: RoutedRequest) async -> HTTPResponse {
        var call = V1OperatorCall()
        call.type = .setQuota
        do throws(MesosJSONError) {
            call.setQuota.quotaRequest = try MesosJSON.decode(from: request.http.body)
        } catch {
            let shown = Self.shown(request.http.body)
            return .text(400, "Failed to parse set quota request JSON '\(shown)': \(error)")
        }
        return await perform(call, request)
    }

    /// DELETE `/quota/<role>`: a role with slashes is the whole rest of the path.
    func removeQuota(_ request: RoutedRequest) async -> HTTPResponse {
        guard !request.rest.isEmpty else {
            return .text(
                400,
                "Failed to parse request path '\(request.http.path)': 2 tokens ('quota', '<role>') required, found 1")
        }
        var call = V1OperatorCall()
        call.type = .removeQuota
        call.removeQuota.role = request.rest.joined(separator: "/")
        return await perform(call, request)
    }

    func updateMaintenanceSchedule(_ request: RoutedRequest) async -> HTTPResponse {
        var call = V1OperatorCall()
        call.type = .updateMaintenanceSchedule
        do throws(MesosJSONError) {
            call.updateMaintenanceSchedule.schedule = try MesosJSON.decode(from: request.http.body)
        } catch {
            return .text(400, "Failed to parse maintenance schedule: \(error)")
        }
        return await perform(call, request)
    }

    /// `/machine/down` and `/machine/up`.
    func machines(_ request: RoutedRequest, _ type: V1OperatorCall.TypeEnum) async -> HTTPResponse {
        let machines: [V1MachineID]
        do throws(BadBody) {
            machines = try Self.list(request.http.body) { "Failed to parse list of machines: \($0)" }
        } catch {
            return .text(400, error.reason)
        }
        var call = V1OperatorCall()
        call.type = type
        if type == .startMaintenance {
            call.startMaintenance.machines = machines
        } else {
            call.stopMaintenance.machines = machines
        }
        return await perform(call, request)
    }
}
