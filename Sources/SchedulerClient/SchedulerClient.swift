// The shell of a v1 scheduler: performs what the subscription machine decides, over HTTP and with a master detector.
import FoundationEssentials
import HTTPClient
import Logging
import Mailbox
import MasterDetection
import MesosProtocol
import Resources

/// What happens to a subscribed framework, in order.
public enum SchedulerEvent: Sendable {
    /// A master took the framework, at first or again. Offers and calls of any earlier subscription are void.
    case subscribed(FrameworkID, V1MasterInfo)
    /// Anything on the stream but SUBSCRIBED, HEARTBEAT and ERROR.
    case event(V1SchedulerEvent)
    /// The subscription broke; the client is looking for a master already.
    case disconnected(String)
    /// The master will not have this framework. Nothing follows.
    case refused(String)
}

/// A framework's side of the v1 scheduler API: subscribes, follows the leader, reconnects, and sends calls in order.
///
/// ```swift
/// let client = SchedulerClient(.init(master: location, framework: info), logger: logger)
/// Task { await client.run() }
/// for await event in client.events { ... }
/// ```
public final class SchedulerClient: Sendable {
    public struct Configuration: Sendable {
        public var master: MasterLocation
        /// `id` may be empty. Keep what `SchedulerEvent.subscribed` reports and set it here the next time.
        public var framework: V1FrameworkInfo
        /// Sent with every SUBSCRIBE, so that offers stop until the framework revives them.
        public var suppressedRoles: [RoleName]
        public var media: MediaType
        /// Addresses of further masters, tried in turn when the first does not answer. Not with ZooKeeper.
        public var otherMasters: [MasterLocation] = []
        /// Asked before every request instead of `credentials`, for secrets that change.
        public var currentCredentials: (@Sendable () -> (principal: String, secret: String)?)?
        /// Principal and secret for HTTP Basic, if the master asks for them.
        public var credentials: (principal: String, secret: String)?
        public var subscription: SubscriptionSettings
        public var zooKeeperSessionTimeout: Duration
        /// How long one call may take.
        public var callTimeout: Duration
        /// The largest event taken. mesos-go refuses more than 4 MiB, so no master sends more.
        public var eventBytesMax: Int

        public init(
            master: MasterLocation, framework: V1FrameworkInfo, suppressedRoles: [RoleName] = [],
            media: MediaType = .protobuf, credentials: (principal: String, secret: String)? = nil,
            subscription: SubscriptionSettings = SubscriptionSettings(),
            zooKeeperSessionTimeout: Duration = .seconds(10),
            callTimeout: Duration = .seconds(10), eventBytesMax: Int = 64 << 20
        ) {
            self.master = master
            self.framework = framework
            self.suppressedRoles = suppressedRoles
            self.media = media
            self.credentials = credentials
            self.subscription = subscription
            self.zooKeeperSessionTimeout = zooKeeperSessionTimeout
            self.callTimeout = callTimeout
            self.eventBytesMax = eventBytesMax
        }
    }

    enum Input: Sendable {
        case machine(SubscriptionMachine.Event)
        case record(attempt: Int, V1SchedulerEvent)
    }

    let configuration: Configuration
    let logger: Logger
    let inbox = Mailbox<Input>()
    private let backlog: EventBacklog<SchedulerEvent>
    private let calls = Locked(CallTable())
    private let http: HTTPClient

    /// - Parameter http: Shared connections are kept open between calls. One with TLS settings means that masters are
    ///   dialled with `https`.
    public init(_ configuration: Configuration, logger: Logger, http: HTTPClient = .shared) {
        self.configuration = configuration
        self.logger = logger
        self.http = http
        backlog = EventBacklog(countMax: 1_000)
    }

    /// Everything that happens, for one reader. A reader that falls behind slows the stream down, and the master then
    /// drops the connection: nothing is lost silently.
    public var events: AsyncStream<SchedulerEvent> {
        let backlog = backlog
        return AsyncStream { await backlog.next() }
    }

    /// Stays subscribed until `stop()` is called, the task is cancelled, or a master refuses the framework.
    public func run() async {
        guard configuration.otherMasters.isEmpty else { return await runAmongSeveral() }
        let detector = MasterDetector(
            location: configuration.master, sessionTimeout: configuration.zooKeeperSessionTimeout, logger: logger)
        let detection = Task { [inbox, isSecure = http.tls != nil] in
            for await master in detector.masters {
                inbox.send(.machine(.masterDetected(master?.baseURL(isSecure: isSecure))))
            }
        }
        await withTaskCancellationHandler {
            await loop()
        } onCancel: {
            stop()
        }
        detection.cancel()
        await detector.stop()
    }

    /// With a list of addresses: whichever answers is as good as any, because all of them point to the one that leads.
    private func runAmongSeveral() async {
        let rotation = MasterRotation(
            masters: [configuration.master] + configuration.otherMasters, http: http, logger: logger)
        let detection = Task { [inbox] in
            await rotation.run { inbox.send(.machine(.masterDetected($0))) }
        }
        await withTaskCancellationHandler {
            await loop()
        } onCancel: {
            stop()
        }
        detection.cancel()
    }

    /// Ends the subscription without tearing the framework down: its tasks run on until `failover_timeout`.
    public func stop() { inbox.send(.machine(.stopRequested)) }

    /// Sends a call after all submitted before it.
    ///
    /// The framework id and stream id are filled in. Calls made before the first subscription wait for it; calls made
    /// while a later one is broken fail at once, because what they speak of is void.
    /// - Throws: `SchedulerCallError`. Success means that the master accepted the call for processing, no more.
    public func send(_ call: V1SchedulerCall) async throws(SchedulerCallError) {
        let error = await withCheckedContinuation { (waiter: CheckedContinuation<SchedulerCallError?, Never>) in
            submit(call) { waiter.resume(returning: $0) }
        }
        if let error { throw error }
    }

    /// Like `send`, without waiting: `completion` is called once, with nil on success.
    public func submit(_ call: V1SchedulerCall, completion: @escaping @Sendable (SchedulerCallError?) -> Void) {
        guard let number = calls.withLock({ $0.add(call, completion) }) else { return completion(.stopped) }
        inbox.send(.machine(.callSubmitted(number)))
    }

    // MARK: - The loop

    private func loop() async {
        let info = configuration.framework
        let savedID = info.hasID && !info.id.value.isEmpty ? FrameworkID(info.id.value) : nil
        var machine = SubscriptionMachine(
            frameworkID: savedID, settings: configuration.subscription, seed: UInt64.random(in: .min ... .max))
        var streams: [Int: Task<Void, Never>] = [:]
        var masterInfo = V1MasterInfo()
        var isFinished = false
        while !isFinished {
            let batch = await inbox.next()
            if batch.isEmpty { break }
            for input in batch {
                let event: SubscriptionMachine.Event
                switch input {
                case .machine(let machineEvent):
                    event = machineEvent
                case .record(let attempt, let record):
                    if record.type == .subscribed { masterInfo = record.subscribed.masterInfo }
                    event = .recordArrived(attempt: attempt, SubscriptionMachine.Record(record))
                }
                for effect in machine.step(event, at: .now) {
                    switch effect {
                    case .openStream(let attempt, let master, let frameworkID):
                        logger.info("subscribing at \(master)")
                        streams[attempt] = Task { await self.subscribe(attempt, master, frameworkID) }
                    case .closeStream(let attempt):
                        streams.removeValue(forKey: attempt)?.cancel()
                    case .sendCall(let number, let master, let streamID, let frameworkID):
                        Task { await self.perform(number, master, streamID, frameworkID) }
                    case .completeCall(let number, let error):
                        calls.withLock { $0.remove(number) }?.completion(error)
                    case .announce(let notice):
                        announce(notice, masterInfo)
                    case .scheduleTimer(let timer, let delay):
                        Timers.shared.scheduleOnce(after: delay) { [inbox] in
                            inbox.send(.machine(.timerFired(timer)))
                        }
                    case .finish:
                        isFinished = true
                    }
                }
                if case .record(let attempt, let record) = input, machine.isSubscribed(attempt),
                    record.type != .heartbeat, record.type != .subscribed
                {
                    backlog.add(.event(record))
                }
            }
        }
        streams.values.forEach { $0.cancel() }
        for call in calls.withLock({ $0.close() }) { call.completion(.stopped) }
        inbox.finish()
        backlog.finish()
    }

    private func announce(_ notice: SubscriptionMachine.Notice, _ masterInfo: V1MasterInfo) {
        switch notice {
        case .subscribed(let frameworkID, let master):
            logger.info("subscribed as \(frameworkID) at \(master)")
            backlog.add(.subscribed(frameworkID, masterInfo))
        case .disconnected(let reason):
            logger.warning("disconnected from the master: \(reason)")
            backlog.add(.disconnected(reason))
        case .refused(let reason):
            logger.error("the master refuses this framework: \(reason)")
            backlog.add(.refused(reason))
        }
    }

    // MARK: - HTTP

    private func request(_ master: String, _ body: [UInt8]) -> HTTPClientRequest {
        let media = configuration.media.rawValue
        var headers = [("Content-Type", media), ("Accept", media)]
        let credentials = configuration.currentCredentials.map { $0() } ?? configuration.credentials
        if let credentials {
            let pair = Data("\(credentials.principal):\(credentials.secret)".utf8)
            headers.append(("Authorization", "Basic " + pair.base64EncodedString()))
        }
        return HTTPClientRequest(
            method: "POST", url: master + "/api/v1/scheduler", headers: headers, body: body)
    }

    private func subscribe(_ attempt: Int, _ master: String, _ frameworkID: FrameworkID?) async {
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo = configuration.framework
        call.subscribe.frameworkInfo.clearID()
        call.subscribe.suppressedRoles = configuration.suppressedRoles.map(\.value)
        if let frameworkID {
            call.frameworkID = V1FrameworkID(frameworkID)
            call.subscribe.frameworkInfo.id = V1FrameworkID(frameworkID)
        }
        do {
            let response = try await http.execute(request(master, configuration.media.encode(call)))
            guard response.status == 200 else {
                let text = await firstBytes(of: response)
                post(
                    .streamRefused(
                        attempt: attempt, status: response.status,
                        location: response.header("Location").map { MasterAddress.base(ofLocation: $0, at: master) },
                        reason: "\(master) answered \(response.status): \(text)"))
                return
            }
            post(.streamOpened(attempt: attempt, streamID: response.header("Mesos-Stream-Id")))
            await read(response, attempt)
        } catch {
            post(.streamRefused(attempt: attempt, status: nil, location: nil, reason: "\(master): \(error)"))
        }
    }

    private func read(_ response: HTTPClientResponse, _ attempt: Int) async {
        var decoder = RecordIODecoder(recordBytesMax: configuration.eventBytesMax)
        do {
            for try await chunk in response.body {
                decoder.append(chunk)
                while let record = try decoder.next() {
                    inbox.send(.record(attempt: attempt, try configuration.media.decode(from: record)))
                }
                await backlog.waitForRoom()
            }
            post(.streamEnded(attempt: attempt, reason: "the master closed the stream"))
        } catch {
            post(.streamEnded(attempt: attempt, reason: "\(error)"))
        }
    }

    private func perform(
        _ number: SubscriptionMachine.CallNumber, _ master: String, _ streamID: String, _ frameworkID: FrameworkID
    ) async {
        guard var call = calls.withLock({ $0.call(number) }) else { return }
        call.frameworkID = V1FrameworkID(frameworkID)
        var request = request(master, configuration.media.encode(call))
        request.headers.append(("Mesos-Stream-Id", streamID))
        request.totalTimeout = configuration.callTimeout
        do {
            let reply = try await http.fetch(request, bodyMax: 64 << 10)
            let text = String(decoding: reply.body.prefix(500), as: UTF8.self)
            post(.callAnswered(number, .answered(status: reply.status, message: text)))
        } catch {
            post(.callAnswered(number, .unreachable(reason: "\(error)")))
        }
    }

    private func firstBytes(of response: HTTPClientResponse) async -> String {
        var text: [UInt8] = []
        do {
            for try await chunk in response.body {
                text += chunk
                if text.count >= 500 { break }
            }
        } catch {}  // What has arrived is enough for a message.
        return String(decoding: text.prefix(500), as: UTF8.self)
    }

    private func post(_ event: SubscriptionMachine.Event) { inbox.send(.machine(event)) }
}
