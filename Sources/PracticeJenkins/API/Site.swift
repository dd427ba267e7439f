/// The whole controller as a value that answers HTTP requests: routing, rights, and the state behind them.

/// A request, reduced to what the site looks at.
struct SiteRequest: Equatable, Sendable {
    struct Field: Equatable, Sendable {
        var name: String
        var value: String
    }
    var method: String
    /// Percent-decoded, without the query.
    var path: String
    var query: [Field] = []
    var contentType = ""
    var authorization: String?
    var cookies: [String] = []
    /// The values of `Jenkins-Crumb` and `.crumb`.
    var crumb: String?
    var host: String
    var body: [UInt8] = []
}

/// A version such as `2.504.1`; the practice controller can play older lines.
struct ControllerVersion: Equatable, Comparable, Sendable, CustomStringConvertible {
    var numbers: [Int]

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard (2...4).contains(parts.count), parts.allSatisfy({ $0 != nil }) else { return nil }
        numbers = parts.compactMap(\.self)
    }

    init(_ numbers: Int...) { self.numbers = numbers }

    var description: String { numbers.map { "\($0)" }.joined(separator: ".") }

    static func < (left: Self, right: Self) -> Bool { left.numbers.lexicographicallyPrecedes(right.numbers) }
}

/// How the site answers.
enum SiteOutcome: Equatable, Sendable {
    case answer(Answer)
    /// A long poll of this node's agent: ask again when the node has something, or answer `idle` in the end.
    case wait(node: String)
}

struct Site: Equatable, Sendable {
    var controller: Controller
    var access: AccessControl
    var version = ControllerVersion(2, 504, 1)
    var locale = ControllerLocale.english
    /// Changes with every restart; clients read from it that they must look at everything again.
    private(set) var bootCount = 0
    let key: [UInt8]

    init(settings: ControllerSettings, users: [PracticeUser], anonymousCanRead: Bool) {
        controller = Controller(settings: settings)
        access = AccessControl(users: users, anonymousCanRead: anonymousCanRead, key: settings.key)
        key = settings.key
    }

    var sessionHeader: String {
        Digest.hexadecimal(Digest.hmacSHA256(key: key, Array("boot \(bootCount)".utf8)).prefix(4))
    }

    /// The controller stops and comes back: sessions and channels are gone, jobs, nodes and queue stay.
    mutating func restart(at now: PracticeTime) -> [ControllerEffect] {
        bootCount += 1
        access.forgetSessions()
        return controller.step(.restarted, at: now)
    }

    /// A process that takes over what an earlier one kept: to its clients, the same controller after a restart.
    mutating func resume(_ records: KeptRecords, at now: PracticeTime) -> [ControllerEffect] {
        bootCount = records.bootCount + 1
        // No connection of an earlier process may be taken for one of this.
        controller.cookieCount = bootCount << 32
        controller.restore(records.kept, at: now)
        return controller.step(.restarted, at: now)
    }

    /// Everything that is kept, as a new journal.
    var journal: [UInt8] {
        var lines = KeptRecords.line(key: key, bootCount: bootCount, lastItem: controller.queue.highestID)
        let jobs = controller.sortedJobs
        var keys = jobs.map { StoredKey.job($0.name) }
        keys += jobs.flatMap { job in job.builds.map { .build(job.name, $0.number) } }
        keys += controller.sortedNodes.map { .node($0.name) } + controller.queue.items.map { .item($0.id) }
        for key in keys { lines += KeptRecords.line(key, of: controller) }
        return lines
    }

    mutating func handle(_ request: SiteRequest, at now: PracticeTime) -> (SiteOutcome, [ControllerEffect]) {
        var effects: [ControllerEffect] = []
        let outcome = route(request, now, &effects)
        guard case .answer(var answer) = outcome else { return (outcome, effects) }
        answer.headers += [
            .init(name: "X-Jenkins", value: "\(version)"), .init(name: "X-Hudson", value: "1.395"),
            .init(name: "X-Jenkins-Session", value: sessionHeader),
            .init(name: "X-Content-Type-Options", value: "nosniff"),
        ]
        return (.answer(answer), effects)
    }

    private mutating func route(
        _ request: SiteRequest, _ now: PracticeTime, _ effects: inout [ControllerEffect]
    ) -> SiteOutcome {
        let principal: Principal
        if let header = request.authorization {
            guard let (name, secret) = FormFields.basicCredentials(header),
                let known = access.authenticate(name: name, secret: secret)
            else {
                var answer = Answer.failure(401, "Invalid password/token for user")
                answer.headers.append(.init(name: "WWW-Authenticate", value: "Basic realm=\"Jenkins\""))
                return .answer(answer)
            }
            principal = known
        } else {
            principal = .anonymous
        }
        var parameters = request.query.map { (name: $0.name, value: $0.value) }
        // Agents post raw output, and their HTTP clients call everything a form.
        let isAgentCall = request.path.hasPrefix("/standin/agent/")
        if !isAgentCall, request.contentType.lowercased().hasPrefix("application/x-www-form-urlencoded") {
            guard let fields = FormFields.parse(request.body) else { return .answer(.failure(400, "Broken form body")) }
            parameters += fields
        }
        let exchange = Exchange(
            method: request.method == "HEAD" ? "GET" : request.method, path: request.path,
            segments: request.path.split(separator: "/").map(String.init), parameters: parameters, body: request.body,
            contentType: request.contentType, principal: principal, session: Self.session(in: request.cookies),
            root: "http://\(request.host)/", now: now)
        if exchange.segments.first == "standin" { return agentOrControl(exchange, &effects) }
        if let refusal = gate(exchange, crumb: request.crumb ?? exchange.parameter("Jenkins-Crumb")) {
            return .answer(refusal)
        }
        return .answer(dispatch(exchange, &effects))
    }

    private static func session(in cookies: [String]) -> String? {
        for cookie in cookies.flatMap({ $0.split(separator: ";") }) {
            let sides = cookie.split(separator: "=", maxSplits: 1)
            if sides.count == 2, String(sides[0]).trimmingBlanks().hasPrefix("JSESSIONID.") {
                return String(sides[1]).trimmingBlanks()
            }
        }
        return nil
    }

    private static let openPaths: Set<String> = ["login", "tcpSlaveAgentListener", "jnlpJars", "wsagents"]

    /// What applies to every request: Overall/Read, and the crumb on POST.
    private func gate(_ exchange: Exchange, crumb: String?) -> Answer? {
        if !Self.openPaths.contains(exchange.segments.first ?? ""), !access.allows(exchange.principal, .read) {
            return .forbidden(exchange.principal, .read)
        }
        guard exchange.isPost || exchange.method == "GET" else { return .failure(405, "Method not allowed") }
        if exchange.isPost, !access.acceptsPost(exchange.principal, session: exchange.session, crumb: crumb) {
            return .failure(403, "No valid crumb was included in the request")
        }
        return nil
    }

    private mutating func dispatch(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        let segments = exchange.segments
        switch segments.first {
        case nil: return .page("Dashboard [Jenkins]")
        case "login": return .page("Sign in [Jenkins]")
        case "job": return jobPage(exchange, &effects)
        case "createItem" where segments.count == 1: return createJob(exchange, &effects)
        case "queue": return queuePage(exchange, &effects)
        case "computer": return computerPage(exchange, &effects)
        case "label": return labelPage(exchange)
        case "jnlpJars" where segments.count == 2:
            return .bytes(Array("PK practice agent\n".utf8), contentType: "application/java-archive")
        default: return rootPage(exchange)
        }
    }

    // MARK: Shared by the pages

    /// Performs an event and turns what the controller says into an answer.
    mutating func perform(
        _ event: ControllerEvent, at now: PracticeTime, _ effects: inout [ControllerEffect],
        success: (Reply) -> Answer
    ) -> Answer {
        let stepped = controller.step(event, at: now)
        effects += stepped
        for case .reply(let reply) in stepped {
            if case .refused(let refusal) = reply { return .refusal(refusal) }
            return success(reply)
        }
        return .failure(500, "No reply")
    }

    func missing(_ permission: PracticePermission, _ exchange: Exchange) -> Answer? {
        access.allows(exchange.principal, permission) ? nil : .forbidden(exchange.principal, permission)
    }

    func jobBeans(_ exchange: Exchange) -> JobBeans {
        JobBeans(controller: controller, root: exchange.root, now: exchange.now)
    }

    func nodeBeans(_ exchange: Exchange) -> NodeBeans {
        NodeBeans(jobs: jobBeans(exchange), canReadJobs: access.allows(exchange.principal, .jobRead))
    }
}
