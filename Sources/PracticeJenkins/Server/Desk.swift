// The actor that owns the site: gives it the time, performs what it decides, and lets long polls wait.
import Glibc
import HTTPServer
import Logging
import Mailbox

actor Desk {
    /// How long an agent's request waits for something to do.
    private static let longPollMilliseconds: Int64 = 5_000

    private var site: Site
    private var faults = FaultPlan()
    /// Nothing has happened since a freeze began.
    private var isFrozen = false
    private var events: EventLog
    private var store: StateStore?
    /// What cannot be kept must not be told: from then on every request is answered so.
    private var storeFailure: String?
    private var sleepers: [Int: (node: String?, continuation: CheckedContinuation<Void, Never>)] = [:]
    private var lastSleeper = 0
    private var alarmAt: PracticeTime?
    private var isStopped = false
    /// Test control can move the clock.
    private var warpMilliseconds: Int64 = 0
    private let startedAt = ContinuousClock.now
    private let startedWall: PracticeTime
    private let logger: Logger

    init(site: Site, store: StateStore?, logger: Logger) {
        self.site = site
        self.store = store
        self.logger = logger
        events = EventLog(boot: site.bootCount)
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        startedWall = PracticeTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The wall clock at the start plus what has passed since, so that a clock change does not confuse the queue.
    private var now: PracticeTime {
        let (seconds, attoseconds) = (ContinuousClock.now - startedAt).components
        return startedWall.advanced(byMilliseconds: seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
            .advanced(byMilliseconds: warpMilliseconds)
    }

    /// Takes over what an earlier process kept, and writes it down anew.
    func resume(_ records: KeptRecords) {
        if records.key != nil {
            let effects = site.resume(records, at: now)
            events = EventLog(boot: site.bootCount)
            perform(effects)
        }
        rewriteJournal()
    }

    /// Ends every wait, so that the server can stop.
    func stop() {
        isStopped = true
        for id in sleepers.keys.sorted() { wake(id) }
    }

    /// After the last answer.
    func close() {
        store?.close()
        store = nil
    }

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        if request.path == "/standin/events" {
            let after = request.query("after").flatMap { Int($0) } ?? 0
            return .json(200, events.json(after: after).write())
        }
        let asked = SiteRequest(request)
        if request.path == "/standin/control", request.method == "POST", let answer = controlFault(asked) {
            return Self.response(answer)
        }
        if let storeFailure { return Self.response(.failure(500, storeFailure)) }
        let isControl = request.path == "/standin/control"
        if !isControl { await thaw() }
        if !isControl, let fault = faults.take(method: request.method, path: request.path) {
            switch fault {
            case .fail(let status):
                record(request, .failure(status, ""))
                return Self.response(.failure(status, "The practice controller was told to fail"))
            case .delayAnswer(let milliseconds):
                let answer = await perform(asked, isControl: isControl)
                record(request, answer)
                await sleep(until: now.advanced(byMilliseconds: milliseconds))
                return Self.response(answer)
            case .dropAnswer:
                let answer = await perform(asked, isControl: isControl)
                record(request, answer)
                let broken = HTTPStream(bufferedBytesMax: 1)
                broken.abort()
                return .stream(answer.status, broken, contentType: answer.contentType)
            }
        }
        let answer = await perform(asked, isControl: isControl)
        record(request, answer)
        return Self.response(answer)
    }

    /// A freeze may be ended early, or prolonged, while somebody waits for its end.
    private func thaw() async {
        while !isStopped, faults.frozenUntil > now { await sleep(until: faults.frozenUntil, node: Self.frozen) }
        noteThaw()
    }

    private func noteThaw() {
        guard isFrozen, faults.frozenUntil <= now else { return }
        isFrozen = false
        perform(site.controller.step(.thawed, at: now))
    }

    /// No node can have this name.
    private static let frozen = "*"

    private func perform(_ request: SiteRequest, isControl: Bool) async -> Answer {
        let deadline = now.advanced(byMilliseconds: Self.longPollMilliseconds)
        while true {
            // Also an agent's poll that waited already when the freeze began.
            if !isControl { await thaw() }
            if !isControl, faults.downUntil > now {
                return .failure(503, "Please wait while Jenkins is getting ready to work")
            }
            let (outcome, effects) = site.handle(request, at: now)
            perform(effects)
            switch outcome {
            case .answer(let answer): return answer
            case .wait(let node):
                if now >= deadline || isStopped { return .text("idle\n") }
                await sleep(until: deadline, node: node)
            }
        }
    }

    private func perform(_ effects: [ControllerEffect]) {
        for effect in effects {
            switch effect {
            case .reply: continue
            case .persist(let keys): keep(keys)
            case .wakeAgent(let node): wakeAll(of: node)
            case .record(let change):
                events.append(.change(change), at: now)
                logger.debug("\(change)")
            }
        }
        setAlarm()
    }

    private func wakeAll(of node: String) {
        for id in sleepers.filter({ $0.value.node == node }).keys.sorted() { wake(id) }
    }

    // MARK: Keeping

    private func keep(_ keys: [StoredKey]) {
        guard store != nil else { return }
        do throws(PracticeJenkinsError) {
            try store?.append(keys.flatMap { KeptRecords.line($0, of: site.controller) })
        } catch { fail(error) }
        if store?.isOvergrown == true { rewriteJournal() }
    }

    private func rewriteJournal() {
        guard store != nil else { return }
        do throws(PracticeJenkinsError) { try store?.rewrite(site.journal) } catch { fail(error) }
    }

    private func fail(_ error: PracticeJenkinsError) {
        logger.critical("\(error)")
        storeFailure = "\(error)"
    }

    // MARK: Time

    private func setAlarm() {
        guard !isStopped, let due = site.controller.nextDeadline else { return }
        let deadline = faults.frozenUntil > now ? max(due, faults.frozenUntil) : due
        guard deadline < alarmAt ?? .init(milliseconds: .max) else { return }
        alarmAt = deadline
        let delay = max(1, deadline.milliseconds(since: now))
        Timers.shared.scheduleOnce(after: .milliseconds(delay)) { [weak self] in
            Task { await self?.alarmRang(for: deadline) }
        }
    }

    /// An alarm that an earlier one has replaced finds another time here and does nothing.
    private func alarmRang(for deadline: PracticeTime) {
        guard alarmAt == deadline else { return }
        alarmAt = nil
        if faults.frozenUntil > now { return setAlarm() }
        noteThaw()
        perform(site.controller.step(.timePassed, at: now))
    }

    private func sleep(until deadline: PracticeTime, node: String? = nil) async {
        if isStopped { return }
        lastSleeper += 1
        let id = lastSleeper
        let delay = max(1, deadline.milliseconds(since: now))
        let token = Timers.shared.scheduleOnce(after: .milliseconds(delay)) { [weak self] in
            Task { await self?.wake(id) }
        }
        await withCheckedContinuation { sleepers[id] = (node, $0) }
        token.cancel()
    }

    private func wake(_ id: Int) { sleepers.removeValue(forKey: id)?.continuation.resume() }

    // MARK: Test control

    /// Controls of time and transport; `nil` for those that the site performs itself.
    private func controlFault(_ request: SiteRequest) -> Answer? {
        var parameters = request.query
        for field in FormFields.parse(request.body) ?? [] {
            parameters.append(.init(name: field.name, value: field.value))
        }
        let parameter = { (name: String) in parameters.first { $0.name == name }?.value }
        let delay = Site.milliseconds(parameter("seconds") ?? "60") ?? 60_000
        let rule = { (kind: FaultPlan.Kind) in
            FaultPlan.Rule(
                kind: kind, path: parameter("path") ?? "/", method: parameter("method"),
                timesLeft: parameter("times").flatMap { Int($0) } ?? 1)
        }
        switch parameter("action") {
        case "freeze":
            faults.frozenUntil = now.advanced(byMilliseconds: delay)
            isFrozen = true
        case "restart":
            faults.downUntil = now.advanced(byMilliseconds: delay)
            perform(site.restart(at: now))
        case "fail":
            guard let status = parameter("status").flatMap({ Int($0) }), (400...599).contains(status) else {
                return .failure(400, "status must be between 400 and 599")
            }
            faults.add(rule(.fail(status: status)))
        case "delay-answer": faults.add(rule(.delayAnswer(milliseconds: delay)))
        case "drop-answer": faults.add(rule(.dropAnswer))
        case "heal":
            faults.clear()
            wakeAll(of: Self.frozen)
        case "warp":
            warpMilliseconds += delay
            // It was set by the clock as it was, and what is due sooner would wait for it.
            alarmAt = nil
            wakeAll(of: Self.frozen)
            noteThaw()
            if isFrozen { setAlarm() } else { perform(site.controller.step(.timePassed, at: now)) }
        default: return nil
        }
        return .text("ok\n")
    }

    // MARK: Answers

    /// Agents' own calls are left out: there are many, and they carry secrets.
    private func record(_ request: HTTPRequest, _ answer: Answer) {
        if request.path.hasPrefix("/standin/") { return }
        let user = request.header("Authorization").flatMap(FormFields.basicCredentials)?.name ?? "anonymous"
        let entry = EventLog.Entry.request(
            method: request.method, target: request.target, status: answer.status, user: user, bytes: answer.body.count)
        events.append(entry, at: now)
    }

    private static func response(_ answer: Answer) -> HTTPResponse {
        let headers = answer.headers.map { ($0.name, $0.value) }
        return .bytes(answer.status, answer.body, contentType: answer.contentType, headers: headers)
    }
}

extension SiteRequest {
    init(_ request: HTTPRequest) {
        self.init(
            method: request.method, path: request.path,
            query: request.query.map { Field(name: $0.name, value: $0.value) },
            contentType: request.header("Content-Type") ?? "", authorization: request.header("Authorization"),
            cookies: request.headers(named: "Cookie"),
            crumb: request.header("Jenkins-Crumb") ?? request.header(".crumb"),
            host: request.header("Host") ?? "localhost", body: request.body)
    }
}
