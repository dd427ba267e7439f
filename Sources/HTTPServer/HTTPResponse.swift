// What a handler answers.

public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Written over time, chunked, until the stream ends.
        case stream(HTTPStream)
    }

    public var status: Int
    /// `Content-Length`, `Transfer-Encoding`, `Connection`, `Date` and `X-Request-Id` are added as needed. `Content-Type` is not.
    public var headers: [(String, String)]
    public var body: Body

    public init(status: Int, headers: [(String, String)] = [], body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Status and headers only; `Content-Length: 0` and no `Content-Type`.
    public static func empty(_ status: Int, headers: [(String, String)] = []) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers)
    }

    /// A plain text body, exactly `text`.
    public static func text(_ status: Int, _ text: String, headers: [(String, String)] = []) -> HTTPResponse {
        .bytes(status, Array(text.utf8), contentType: "text/plain; charset=utf-8", headers: headers)
    }

    public static func json(_ status: Int, _ json: [UInt8], headers: [(String, String)] = []) -> HTTPResponse {
        .bytes(status, json, contentType: "application/json", headers: headers)
    }

    public static func bytes(
        _ status: Int, _ bytes: [UInt8], contentType: String, headers: [(String, String)] = []
    ) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("Content-Type", contentType)] + headers, body: .bytes(bytes))
    }

    public static func stream(
        _ status: Int, _ stream: HTTPStream, contentType: String, headers: [(String, String)] = []
    ) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("Content-Type", contentType)] + headers, body: .stream(stream))
    }
}
