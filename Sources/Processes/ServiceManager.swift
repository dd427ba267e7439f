// What a daemon tells the service manager that started it.

import CLinux
import Glibc
import Mailbox

/// The service manager behind `NOTIFY_SOCKET`, as of `Type=notify` units of systemd.
///
/// A daemon reports its standing again and again, each time by way of the loop that does its work: a report is also a sign
/// of life. While it is not ready it asks for more time with each report, so that one which waits for others is waited for,
/// and one which hangs is not. No report fails: without a service manager, or with one that does not listen, a daemon works
/// all the same.
///
/// - SeeAlso: sd_notify(3), sd_watchdog_enabled(3).
public final class ServiceManager: Sendable {
    /// How a daemon does.
    public struct Standing: Hashable, Sendable {
        /// Whether it does what it is there for, or stands by to do it.
        public var isReady: Bool
        /// One line for people.
        public var status: String

        public init(isReady: Bool, status: String) {
            self.isReady = isReady
            self.status = status
        }
    }

    private struct Told {
        var isReady = false
        var isStopping = false
        var status: String?
    }

    private let address: String
    /// Within which a sign of life is expected once the service is ready; `nil`: none is.
    public let watchdog: Duration?
    private let told = Locked(Told())

    /// What a report asks for while the service is not ready yet.
    private static let patience = Duration.seconds(90)

    /// - Parameter environment: Of this process.
    /// - Returns: `nil` if no service manager wants to be told.
    public init?(environment: [String: String], process: pid_t = getpid()) {
        guard let address = environment["NOTIFY_SOCKET"], address.hasPrefix("/") || address.hasPrefix("@") else {
            return nil
        }
        self.address = address
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// The variables by which a process is told of its service manager: its children are not meant.
    public static let variables = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"]

    /// How often to report: well within the watchdog's time, and often enough for whoever waits for readiness.
    public var reportInterval: Duration { min(.seconds(1), (watchdog ?? .seconds(60)) / 4) }

    /// Tells how it stands: readiness once, the status line when it changes, a sign of life always.
    public func report(_ standing: Standing) {
        told.withLock { told in
            if told.isStopping { return }
            var lines: [String] = []
            if standing.isReady && !told.isReady { lines.append("READY=1") }
            if !standing.isReady && !told.isReady {
                lines.append("EXTEND_TIMEOUT_USEC=\(Self.patience.components.seconds * 1_000_000)")
            }
            let status = Self.line(standing.status)
            if told.status != status { lines.append("STATUS=\(status)") }
            if watchdog != nil { lines.append("WATCHDOG=1") }
            // What was not taken is said again the next time.
            guard lines.isEmpty || send(lines) else { return }
            told.isReady = told.isReady || standing.isReady
            told.status = status
        }
    }

    /// Tells that the service is about to end. Later reports are not sent.
    public func reportStopping(_ status: String) {
        told.withLock { told in
            if told.isStopping { return }
            told.isStopping = true
            _ = send(["STOPPING=1", "STATUS=\(Self.line(status))"])
        }
    }

    /// Asks for the standing at every interval, until cancelled, and reports it.
    ///
    /// - Parameter standing: Answered by the daemon's working loop; `nil` if that has nothing new to show, which is no sign
    ///   of life.
    public func follow(_ standing: @Sendable () async -> Standing?) async {
        while !Task.isCancelled {
            if let standing = await standing() { report(standing) }
            try? await Task.sleep(for: reportInterval)
        }
    }

    private func send(_ lines: [String]) -> Bool {
        let message = lines.joined(separator: "\n")
        return clinux_notify(address, message, message.utf8.count) == 0
    }

    /// One line of at most some hundred bytes, whatever names it holds.
    private static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(300).map { $0.value < 32 ? " " : $0 }))
    }
}
