// A line for each request that was answered, for those who look closely.
import HTTPServer
import Logging
import Resources

/// Writes on level debug: a large cluster asks thousands of times a second.
package struct RequestLog: Sendable {
    private let logger: Logger

    package init(_ logger: Logger) { self.logger = logger }

    /// Answers a request and says how: who asked, for what, and how long it took. Without the query and the headers, which may
    /// hold what is nobody's business.
    package func answer(_ request: HTTPRequest, with answer: () async -> HTTPResponse) async -> HTTPResponse {
        guard logger.logLevel <= .debug else { return await answer() }
        let began = ContinuousClock.now
        let response = await answer()
        let microseconds = began.duration(to: .now).clampedNanoseconds / 1_000
        var metadata: Logger.Metadata = [
            "method": "\(request.method)", "path": "\(request.path.prefix(200))", "status": "\(response.status)",
            "microseconds": "\(microseconds)", "peer": "\(request.remoteAddress)",
        ]
        if let identity = request.identity { metadata["principal"] = "\(identity)" }
        logger.debug("request answered", metadata: metadata)
        return response
    }
}
