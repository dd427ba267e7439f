// What requests are answered with.
import XML

/// What a request is answered with, before the headers that every answer carries are added.
struct Answer: Equatable, Sendable {
    var status: Int
    var headers: [Header] = []
    var contentType = "text/html;charset=utf-8"
    var body: [UInt8] = []

    struct Header: Equatable, Sendable {
        var name: String
        var value: String
    }

    static func page(_ title: String) -> Answer {
        let text = "<!DOCTYPE html><html><head><title>\(XMLElement.escape(title))</title></head></html>\n"
        return Answer(status: 200, body: Array(text.utf8))
    }

    static func text(_ text: String, status: Int = 200) -> Answer {
        Answer(status: status, contentType: "text/plain;charset=utf-8", body: Array(text.utf8))
    }

    static func bytes(_ bytes: [UInt8], contentType: String) -> Answer {
        Answer(status: 200, contentType: contentType, body: bytes)
    }

    static func json(_ value: JSONValue, status: Int = 200) -> Answer {
        Answer(status: status, contentType: "application/json;charset=utf-8", body: value.write())
    }

    static func redirect(to location: String) -> Answer {
        Answer(status: 302, headers: [.init(name: "Location", value: location)])
    }

    static func failure(_ status: Int, _ reason: String) -> Answer {
        var answer = Answer.page("Error \(status): \(reason)")
        answer.status = status
        // Header fields are one line of visible text; names in the reason may hold anything.
        let line = String(reason.map { $0.isNewline || $0 == "\0" ? " " : $0 })
        if status == 400 || status == 409 { answer.headers.append(.init(name: "X-Error", value: line)) }
        return answer
    }

    static let notFound = Answer.failure(404, "Not Found")

    static let postRequired: Answer = {
        var answer = Answer.failure(405, "POST is required")
        answer.headers.append(.init(name: "Allow", value: "POST"))
        return answer
    }()

    static let accepted = Answer(status: 200)

    static func forbidden(_ principal: Principal, _ permission: PracticePermission) -> Answer {
        var answer = Answer.failure(403, "\(principal.name) is missing the \(permission.rawValue) permission")
        answer.headers += [
            .init(name: "X-You-Are-Authenticated-As", value: principal.name),
            .init(name: "X-Required-Permission", value: permission.rawValue),
            .init(name: "X-Permission-Implied-By", value: PracticePermission.administer.rawValue),
        ]
        return answer
    }

    static func refusal(_ refusal: Refusal) -> Answer {
        switch refusal {
        case .noSuchJob, .noSuchBuild, .noSuchItem, .noSuchNode: .failure(404, refusal.message)
        case .itemNotCancellable: .failure(422, refusal.message)
        case .jobDisabled, .staleCookie: .failure(409, refusal.message)
        case .wrongSecret: .failure(403, refusal.message)
        case .queueFull: .failure(503, refusal.message)
        case .jobExists, .unsafeName, .nodeExists, .noExecutors, .alreadyConnected: .failure(400, refusal.message)
        }
    }
}
