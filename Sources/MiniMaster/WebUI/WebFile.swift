// One file of the web page: its name, its type, and how it is answered.
import HTTPServer

/// A file of the page as it is built into the program.
struct WebFile: Sendable {
    /// Below the root: `ui/app.js`.
    let path: String
    let text: StaticString

    init(_ path: String, _ text: StaticString) {
        self.path = path
        self.text = text
    }

    var bytes: [UInt8] { text.withUTF8Buffer { Array($0) } }
}

/// How bytes of the page are answered.
enum WebAnswer {
    /// Scripts and styles come from this master only, and nothing that is written into the page can be one. Agents and
    /// frameworks are asked for their documents at addresses of their own.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' http: https:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The file, or 304 if the client has it.
    ///
    /// - Parameter isOwn: Whether it is the page this program was built with, which the strict policy fits.
    static func response(_ bytes: [UInt8], path: String, isOwn: Bool, to request: HTTPRequest) -> HTTPResponse {
        let tag = "\"\(hash(bytes))\""
        var headers = [
            ("ETag", tag), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ]
        if isOwn { headers.append(("Content-Security-Policy", policy)) }
        let known = request.headers(named: "If-None-Match").flatMap { $0.split(separator: ",") }
        if known.contains(where: { $0.drop { $0 == " " || $0 == "W" || $0 == "/" } == tag }) {
            return .empty(304, headers: headers)
        }
        return .bytes(200, bytes, contentType: type(of: path), headers: headers)
    }

    /// FNV-1a: tells one version from the next.
    private static func hash(_ bytes: [UInt8]) -> String {
        String(bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }, radix: 16)
    }

    /// By the name's ending; what is not known here is not shown but saved.
    static func type(of path: String) -> String {
        let ending = path.split(separator: "/").last?.split(separator: ".").dropFirst().last ?? ""
        return types[String(ending)] ?? "application/octet-stream"
    }

    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8", "json": "application/json", "svg": "image/svg+xml",
        "png": "image/png", "gif": "image/gif", "ico": "image/x-icon", "txt": "text/plain; charset=utf-8",
        "woff": "font/woff", "woff2": "font/woff2",
    ]
}
