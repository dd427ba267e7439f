// /logging/toggle: shows and changes the log's level.
import HTTPAccess
import HTTPServer
import MesosProtocol

extension MasterAPI {
    /// `?level=1&duration=5mins`; without both, the level now.
    func toggleLogging(_ request: RoutedRequest) -> HTTPResponse {
        guard viewer(of: request).canGet(Route.loggingToggle.rawValue) else { return .empty(403) }
        switch (request.http.query("level"), request.http.query("duration")) {
        case (nil, nil): return .text(200, "\(logLevel.verbosity)\n")
        case (_?, nil): return .text(400, "Expecting 'duration=value' in query.\n")
        case (nil, _?): return .text(400, "Expecting 'level=value' in query.\n")
        case (let text?, let time?):
            guard let level = Int(text), level <= Int32.max else {
                return .text(400, "Failed to convert '\(text)' to number.\n")
            }
            guard level >= 0 else { return .text(400, "Invalid level '\(text)'.\n") }
            guard let duration = DurationText.parse(time) else {
                return .text(400, "Invalid duration '\(time)'.\n")
            }
            logLevel.set(level, for: duration)
            return .empty(200)
        }
    }
}
