// What a check looks at, one run of it, and what came of it.

import MesosProtocol
import Resources

/// Which of a task's two checks is meant.
package enum CheckPurpose: Hashable, Sendable, CaseIterable {
    /// `TaskInfo.health_check`: judged, and it may end the task.
    case health
    /// `TaskInfo.check`: only told.
    case status
}

/// What a check looks at. Ports are those inside the container.
package enum CheckTarget: Hashable, Sendable {
    /// The command is run where the task runs.
    case command(V1CommandInfo)
    /// A GET of the loopback address of the task's network.
    case http(scheme: String, port: UInt32, path: String, isIPv6: Bool)
    case tcp(port: UInt32, isIPv6: Bool)
}

/// One run of a check, as the shell is asked for it.
package struct CheckRun: Hashable, Sendable {
    package struct ID: Hashable, Sendable {
        package var container: ContainerID
        package var purpose: CheckPurpose
        /// Counts the runs, so that a late timer or result can be told apart.
        package var number: Int
    }

    package var id: ID
    package var target: CheckTarget
    /// Nil: the run may take as long as it likes.
    package var timeout: Duration?
}

/// What one run of a check found.
package enum CheckOutcome: Hashable, Sendable {
    case exited(status: Int32)
    case answered(status: Int)
    case connected(Bool)
    /// There is no result: it took too long, or nobody answered. The text says which.
    case failed(String)
    /// The check could not be run at all; that says nothing about the task.
    case notRun(String)
}

extension CheckTarget {
    /// What a health check looks at; nil if it does not say, which a master refuses.
    package init?(_ check: V1HealthCheck) {
        let type: V1HealthCheck.TypeEnum =
            check.hasType
            ? check.type : check.hasCommand ? .command : check.hasHTTP ? .http : check.hasTcp ? .tcp : .unknown
        switch type {
        case .command where check.hasCommand:
            self = .command(check.command)
        case .http where check.hasHTTP:
            self = .http(
                scheme: check.http.hasScheme ? check.http.scheme : "http", port: check.http.port,
                path: check.http.path, isIPv6: check.http.protocol == .ipv6)
        case .tcp where check.hasTcp:
            self = .tcp(port: check.tcp.port, isIPv6: check.tcp.protocol == .ipv6)
        case .command, .http, .tcp, .unknown:
            return nil
        }
    }

    package init?(_ check: V1CheckInfo) {
        switch check.type {
        case .command where check.hasCommand: self = .command(check.command.command)
        case .http where check.hasHTTP:
            self = .http(scheme: "http", port: check.http.port, path: check.http.path, isIPv6: false)
        case .tcp where check.hasTcp: self = .tcp(port: check.tcp.port, isIPv6: false)
        case .command, .http, .tcp, .unknown: return nil
        }
    }

    var name: String {
        switch self {
        case .command: "COMMAND"
        case .http: "HTTP"
        case .tcp: "TCP"
        }
    }
}

extension CheckOutcome {
    /// Why a health check with this outcome has failed; nil if it has not. A run that did not take place is neither.
    var failure: String? {
        switch self {
        case .exited(0): nil
        case .exited(let status): "Command exited with status \(status)"
        case .answered(let status): (200..<400).contains(status) ? nil : "Unexpected HTTP response code: \(status)"
        case .connected(let isConnected): isConnected ? nil : "Connection refused"
        case .failed(let reason): reason
        case .notRun: nil
        }
    }

    var wasRun: Bool { if case .notRun = self { false } else { true } }
}

extension V1CheckStatusInfo {
    /// The result of a check. Without an outcome, or without a result in it, only the kind of check is told.
    init(_ target: CheckTarget, _ outcome: CheckOutcome? = nil) {
        self.init()
        switch target {
        case .command:
            type = .command
            command = Command()
            if case .exited(let status) = outcome { command.exitCode = status }
        case .http:
            type = .http
            http = Http()
            if case .answered(let status) = outcome { http.statusCode = UInt32(clamping: status) }
        case .tcp:
            type = .tcp
            tcp = Tcp()
            if case .connected(let isConnected) = outcome { tcp.succeeded = isConnected }
        }
    }
}
