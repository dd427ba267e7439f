// The status line and header fields of an answer, with what HTTP/1.1 asks for added.
import NIOHTTP1

enum ResponseHead {
    static func make(_ response: HTTPResponse, for received: ReceivedRequest, keepsAlive: Bool) -> HTTPResponseHead {
        let status = HTTPResponseStatus(statusCode: response.status)
        var headers = HTTPHeaders()
        for (name, value) in response.headers { headers.add(name: name, value: value) }
        if !headers.contains(name: "date") { headers.add(name: "Date", value: HTTPDate.now) }

        var keepsAlive = keepsAlive
        switch response.body {
        case .none:
            if status.mayHaveResponseBody { headers.replaceOrAdd(name: "Content-Length", value: "0") }
        case .bytes(let bytes):
            if status.mayHaveResponseBody { headers.replaceOrAdd(name: "Content-Length", value: "\(bytes.count)") }
        case .stream:
            if received.speaksHTTP11 {
                headers.replaceOrAdd(name: "Transfer-Encoding", value: "chunked")
            } else {
                keepsAlive = false  // HTTP/1.0 knows only one end of such a body: that of the connection.
            }
        }
        if !keepsAlive {
            headers.replaceOrAdd(name: "Connection", value: "close")
        } else if !received.speaksHTTP11 {
            headers.replaceOrAdd(name: "Connection", value: "keep-alive")
        }
        return HTTPResponseHead(version: received.version, status: status, headers: headers)
    }
}
