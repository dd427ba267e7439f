// Reads a call from a request's body, with the refusals of Apache Mesos in its order.
import HTTPServer
import MesosProtocol
import SwiftProtobuf

enum CallBody<Call: Message> {
    case call(Call)
    case refused(HTTPResponse)

    init(_ request: HTTPRequest) {
        guard let contentType = request.header("Content-Type") else {
            self = .refused(.text(400, "Expecting 'Content-Type' to be present"))
            return
        }
        guard let media = MediaType(contentType: contentType) else {
            self = .refused(
                .text(415, "Expecting 'Content-Type' of application/json or application/x-protobuf"))
            return
        }
        do throws(MessageDecodingError) {
            self = .call(try media.decode(from: request.body))
        } catch {
            self = .refused(.text(400, "\(error)"))
        }
    }
}

/// An agent's call, with a registration's ordinary tasks read apart.
enum AgentCallBody {
    case call(LinkCall, ReportedTasks)
    case refused(HTTPResponse)

    init(_ request: HTTPRequest) {
        if request.header("Content-Type").flatMap({ MediaType(contentType: $0) }) == .protobuf,
            let (call, tasks) = RegistrationReader.read(request.body)
        {
            self = .call(call, ReportedTasks(tasks))
            return
        }
        switch CallBody<LinkCall>(request) {
        case .call(let call): self = .call(call, ReportedTasks())
        case .refused(let response): self = .refused(response)
        }
    }
}
