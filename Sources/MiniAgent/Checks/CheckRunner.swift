// Runs checks: commands through the task's containerizer, HTTP and TCP from within the task's network.

import CLinux
import Glibc
import HTTPClient
import Logging
import Mailbox
import MesosProtocol
import Resources

/// From where a task's loopback address can be reached.
package enum CheckNetwork: Hashable, Sendable {
    /// The task shares this host's network.
    case host
    /// The task has a network of its own, in this namespace; it is known under the address outside, if it has one.
    case namespace(path: String, address: String?)
    /// It cannot be found out now.
    case unknown(String)
}

/// Runs a bounded number of checks at a time; the others wait.
final class CheckRunner: Sendable {
    /// Two cores run a few commands at once without the tasks noticing.
    static let runsMax = 16

    private let containerizers: [ContainerizerKind: any Containerizer]
    private let slots: CheckSlots
    private let client = Locked<HTTPClient?>(nil)

    init(containerizers: [ContainerizerKind: any Containerizer], runsMax: Int = CheckRunner.runsMax) {
        self.containerizers = containerizers
        slots = CheckSlots(count: runsMax)
    }

    /// - Returns: What was found; nil if the task was cancelled first.
    func run(_ check: CheckRun, of launch: Launch) async -> CheckOutcome? {
        guard let containerizer = containerizers[launch.record.containerizer] else {
            return .notRun("its containerizer is not enabled")
        }
        guard await slots.take() else { return nil }
        let outcome = await run(check, of: launch, containerizer)
        slots.giveBack()
        return Task.isCancelled ? nil : outcome
    }

    private func run(_ check: CheckRun, of launch: Launch, _ containerizer: any Containerizer) async -> CheckOutcome {
        switch check.target {
        case .command(let command):
            return await containerizer.check(command, in: launch, timeout: check.timeout)
        case .http(let scheme, let port, let path, let isIPv6):
            let (host, namespace): (String, String?)
            switch Self.place(await containerizer.checkNetwork(of: launch), isIPv6: isIPv6) {
            case .success(let place): (host, namespace) = place
            case .failure(let refusal): return .notRun(refusal.reason)
            }
            let bracketed = host.contains(":") ? "[\(host)]" : host
            return await get("\(scheme)://\(bracketed):\(port)\(path)", from: namespace, timeout: check.timeout)
        case .tcp(let port, let isIPv6):
            switch Self.place(await containerizer.checkNetwork(of: launch), isIPv6: isIPv6) {
            case .success(let (host, namespace)):
                return await TCPProbe.run(host: host, port: port, namespace: namespace, timeout: check.timeout)
            case .failure(let refusal): return .notRun(refusal.reason)
            }
        }
    }

    private struct Refusal: Error { var reason: String }

    /// The address to speak to, and the namespace to do it in: the loopback address of the task's own network, unless we
    /// may not go there; then its address on ours.
    private static func place(
        _ network: CheckNetwork, isIPv6: Bool
    ) -> Result<(host: String, namespace: String?), Refusal> {
        let loopback = isIPv6 ? "::1" : "127.0.0.1"
        switch network {
        case .host: return .success((loopback, nil))
        case .unknown(let reason): return .failure(Refusal(reason: reason))
        case .namespace(let path, let address):
            var socket: Int32 = -1
            let code = clinux_socket_in_namespace(path, AF_INET, Int32(SOCK_STREAM.rawValue), 0, &socket)
            if code == 0 {
                close(socket)
                return .success((loopback, path))
            }
            if code != EPERM && code != EACCES {
                return .failure(Refusal(reason: "cannot enter \(path): \(String(cString: strerror(code)))"))
            }
            return address.map { .success(($0, nil)) }
                ?? .failure(Refusal(reason: "this agent may not enter the task's network, which has no address"))
        }
    }

    private func get(_ url: String, from namespace: String?, timeout: Duration?) async -> CheckOutcome {
        var request = HTTPClientRequest(url: url, totalTimeout: timeout, followRedirects: true)
        request.networkNamespace = namespace
        request.usesFreshConnection = true
        request.headers = [("User-Agent", "mini-mesos-check"), ("Accept", "*/*")]
        do throws(HTTPClientError) {
            let response = try await checkClient.execute(request)
            response.body.cancel()
            return .answered(status: response.status)
        } catch {
            switch error {
            case .cancelled: return .notRun("cancelled")
            case .couldNotConnect, .notSecure, .timedOut, .closedEarly, .bodyTooLarge, .invalidURL, .other:
                return .failed("\(error)")
            }
        }
    }

    /// Its own, since it believes every certificate; made when the first HTTP check runs.
    private var checkClient: HTTPClient {
        client.withLock { client in
            if let client { return client }
            let new = HTTPClient(tls: ClientTLS(verifyHost: false, verifyCertificate: false))
            client = new
            return new
        }
    }
}

/// Places for runs of checks; who finds none waits.
final class CheckSlots: Sendable {
    private struct State {
        var free: Int
        var waiting: [Latch<Void>] = []
    }

    private let state: Locked<State>

    init(count: Int) { state = Locked(State(free: count)) }

    /// - Returns: Whether there is a place now; not if the task was cancelled first.
    func take() async -> Bool {
        let latch = state.withLock { state -> Latch<Void>? in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            let latch = Latch<Void>()
            state.waiting.append(latch)
            return latch
        }
        guard let latch else { return true }
        if await latch.wait() != nil { return true }
        let wasGiven = state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0 === latch }) else { return true }
            state.waiting.remove(at: index)
            return false
        }
        if wasGiven { giveBack() }
        return false
    }

    func giveBack() {
        let next = state.withLock { state -> Latch<Void>? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.open(())
    }
}
