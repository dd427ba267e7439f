// The controller over HTTP: authentication, crumbs, deadlines and size limits around every request.
import FoundationEssentials
import HTTPClient
import Mailbox
import MesosProtocol
import Resources

/// Why a request to the controller failed.
package enum JenkinsFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// No answer, or not all of it. The request may have been executed.
    case noAnswer(String)
    case answered(status: Int, reason: String)
    case unreadable(UnreadableAnswer)
    /// Nothing was sent.
    case cannotAsk(String)

    package var description: String {
        switch self {
        case .noAnswer(let reason): reason
        case .answered(let status, let reason): reason.isEmpty ? "status \(status)" : "status \(status), \(reason)"
        case .unreadable(let answer): "\(answer)"
        case .cannotAsk(let reason): reason
        }
    }

    /// Whether a change that was asked for may have happened all the same.
    var mayHaveHappened: Bool {
        switch self {
        case .noAnswer, .unreadable: true
        case .answered(let status, _): status >= 500
        case .cannotAsk: false
        }
    }
}

/// Requests to one controller, a few at a time, so that a burst does not occupy it.
final class JenkinsClient: Sendable {
    /// Requests of one lane wait for each other and not for those of another: a hundred look-ups at a controller that has
    /// frozen must not hold up the next poll.
    enum Lane: Sendable {
        case poll, change, lookUp
        /// Looks between polls, and drains, which must not wait behind a burst of new nodes: every moment counts.
        case watch, urgent
        /// Openings of drained nodes. They come in bursts too, and each leads to a drain soon.
        case opening
        /// Deletions that follow a look: they must not wait behind other changes meanwhile.
        case deletion
    }

    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]
        var session: String?
    }

    private struct Crumb: Sendable {
        var field: String
        var value: String
        var cookie: String?
    }

    private static let requestTimeout = Duration.seconds(10)
    /// A look that takes so long says nothing of now.
    private static let watchTimeout = Duration.seconds(3)
    private static let bodyMax = 32 << 20

    let traffic = ControllerTraffic()
    private let live: LiveConfiguration
    private let http: HTTPClient
    private let polls = RequestGate(slots: 2)
    private let changes = RequestGate(slots: 3)
    private let lookUps = RequestGate(slots: 2)
    private let watches = RequestGate(slots: 2)
    private let urgent = RequestGate(slots: 4)
    private let openings = RequestGate(slots: 2)
    private let deletions = RequestGate(slots: JenkinsController.deletionsMax)
    private let secret = Locked<SecretFile?>(nil)
    private let crumb = Locked<Crumb?>(nil)
    private let lastVersion = Locked<JenkinsVersion?>(nil)
    private let isClosed = Locked(false)

    /// - Parameter live: User and secret may change while it is in use; URL and authority are those of now.
    init(_ live: LiveConfiguration) {
        self.live = live
        http = live.current.jenkins.caFile.map { HTTPClient(tls: ClientTLS(caFile: $0)) } ?? .shared
    }

    /// What the controller said of itself in its latest answer.
    var version: JenkinsVersion? { lastVersion.withLock { $0 } }

    /// Nothing is sent from now on, not even what waits for its turn.
    func close() { isClosed.withLock { $0 = true } }

    // MARK: - Reading and changing

    /// - Throws: Anything but status 200 is a failure.
    func get(_ path: String, in lane: Lane) async throws(JenkinsFailure) -> Answer {
        let answer = try await send("GET", path, form: nil, in: lane)
        guard answer.status == 200 else { throw Self.failure(answer) }
        return answer
    }

    /// Any answer at all, whatever its status.
    func ask(_ method: String, _ path: String) async throws(JenkinsFailure) -> Answer {
        try await send(method, path, form: nil, in: .lookUp)
    }

    /// Form actions answer 302 to a page for people; that is success and not followed.
    @discardableResult
    func post(
        _ path: String, form: String = "", type: String = formType, alsoFine: Set<Int> = [], in lane: Lane = .change
    ) async throws(JenkinsFailure) -> Answer {
        if case .passwordFile = live.current.jenkins.secret, crumb.withLock({ $0 == nil }) { await fetchCrumb() }
        var answer = try await send("POST", path, form: form, type: type, in: lane)
        if answer.status == 403, Self.reason(answer).lowercased().contains("crumb") {
            await fetchCrumb()
            answer = try await send("POST", path, form: form, type: type, in: lane)
        }
        guard (200..<300).contains(answer.status) || answer.status == 302 || alsoFine.contains(answer.status) else {
            throw Self.failure(answer)
        }
        return answer
    }

    /// A crumb is bound to the web session on newer lines: its cookie is kept with it. No issuer means no crumbs.
    private func fetchCrumb() async {
        guard
            let answer = try? await fetch("GET", "/crumbIssuer/api/json", form: nil, in: .change),
            answer.status == 200, let value = try? JSONValue(parsing: answer.body),
            case .string(let text)? = value["crumb"], case .string(let field)? = value["crumbRequestField"]
        else {
            crumb.withLock { $0 = nil }
            return
        }
        let cookie = answer.headers.first { $0.name.lowercased() == "set-cookie" && $0.value.contains("JSESSIONID") }
        crumb.withLock {
            $0 = Crumb(
                field: field, value: text, cookie: cookie.map { String($0.value.prefix { $0 != ";" }) })
        }
    }

    private static func failure(_ answer: Answer) -> JenkinsFailure {
        .answered(status: answer.status, reason: reason(answer))
    }

    /// The first line of the body, as far as it is text for people.
    private static func reason(_ answer: Answer) -> String {
        let text = String(decoding: answer.body.prefix(2_000), as: UTF8.self)
        guard !text.contains("<html"), !text.contains("<!DOCTYPE") else { return "" }
        return String(text.trimmingBlanks.prefix { $0 != "\n" }.prefix(200))
    }

    // MARK: - One request

    static let formType = "application/x-www-form-urlencoded"

    private func send(
        _ method: String, _ path: String, form: String?, type: String = formType, in lane: Lane
    ) async throws(JenkinsFailure) -> Answer {
        let reply = try await fetch(method, path, form: form, type: type, in: lane)
        if let version = reply.header("X-Jenkins").flatMap({ JenkinsVersion($0) }) {
            lastVersion.withLock { $0 = version }
        }
        var body = reply.body
        if reply.status >= 400, let error = reply.header("X-Error") {
            body = Array(error.utf8)
        } else if reply.status == 403, let right = reply.header("X-Required-Permission") {
            body = Array("the user lacks the permission \(right)".utf8)
        }
        return Answer(status: reply.status, body: body, session: reply.header("X-Jenkins-Session"))
    }

    private func fetch(
        _ method: String, _ path: String, form: String?, type: String = formType, in lane: Lane
    ) async throws(JenkinsFailure) -> HTTPClientReply {
        var headers = [("Accept-Language", "en"), ("Accept", "*/*")]
        let controller = live.current.jenkins
        if let authorization = try authorization(controller) { headers.append(("Authorization", authorization)) }
        if method == "POST", let crumb = crumb.withLock({ $0 }) {
            headers.append((crumb.field, crumb.value))
            if let cookie = crumb.cookie { headers.append(("Cookie", cookie)) }
        }
        if form != nil { headers.append(("Content-Type", type)) }
        let request = HTTPClientRequest(
            method: method, url: controller.url + path, headers: headers, body: form.map { Array($0.utf8) },
            totalTimeout: lane == .watch ? Self.watchTimeout : Self.requestTimeout)
        let gate = gate(of: lane)
        await gate.enter()
        defer { gate.leave() }
        // After the wait: somebody else may lead by now.
        if isClosed.withLock({ $0 }) { throw .cannotAsk("this framework does not lead any more") }
        do throws(HTTPClientError) {
            let reply = try await http.fetch(request, bodyMax: Self.bodyMax)
            traffic.add(lane, bytes: reply.body.count)
            return reply
        } catch {
            throw error.isBeforeSending ? .cannotAsk("\(error)") : .noAnswer("\(error)")
        }
    }

    private func gate(of lane: Lane) -> RequestGate {
        switch lane {
        case .poll: polls
        case .change: changes
        case .lookUp: lookUps
        case .watch: watches
        case .urgent: urgent
        case .opening: openings
        case .deletion: deletions
        }
    }

    private func authorization(_ controller: JenkinsConfiguration.Controller) throws(JenkinsFailure) -> String? {
        guard let path = controller.secret.path else { return nil }
        let file = secret.withLock { secret in
            if let secret, secret.path == path { return secret }
            let file = SecretFile(path: path)
            secret = file
            return file
        }
        do {
            let pair = Data("\(controller.user):\(try file.read())".utf8)
            return "Basic " + pair.base64EncodedString()
        } catch {
            throw .cannotAsk("the secret file \(path) cannot be read")
        }
    }
}

extension HTTPClientError {
    fileprivate var isBeforeSending: Bool {
        switch self {
        case .couldNotConnect, .invalidURL: true
        case .notSecure, .timedOut, .closedEarly, .bodyTooLarge, .cancelled, .other: false
        }
    }
}
