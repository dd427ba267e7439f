// What the header fields of streams say.
import HTTPServer

package enum StreamHeaders {
    package static let recordIO = "application/recordio"

    /// Whether one of the elements of a field's values is this type, parameters set aside.
    package static func names(_ fields: [String], _ type: String) -> Bool {
        fields.flatMap { $0.split(separator: ",") }.contains { element in
            element.prefix { $0 != ";" }.filter { $0 != " " }.lowercased() == type
        }
    }

    /// Whether a request's body is a stream of records, told by its head.
    package static func isStreamed(_ request: HTTPRequest) -> Bool {
        request.method == "POST" && names(request.headers(named: "Content-Type"), recordIO)
    }
}
