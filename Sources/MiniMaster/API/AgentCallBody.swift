// Reads an agent's call from a request's body.
import HTTPAccess
import HTTPServer
import MesosProtocol

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
