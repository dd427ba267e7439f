// The status line and header fields of an answer, with what HTTP/1.1 asks for added.
import NIOHTTP1

enum ResponseHead {
    /// Whether the status is a final one, and no field could pass for other fields or for the body.
    static func isSendable(_ response: HTTPResponse) -> Bool {
        (200...599).contains(response.status)
            && response.headers.allSatisfy { name, value in
                !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
                    && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
            }
    }

    static func make(_ response: HTTPResponse, for received: ReceivedRequest, keepsAlive: Bool) -> HTTPResponseHead {
        let status = HTTPResponseStatus(statusCode: response.status)
        var headers = HTTPHeaders()
        for (name, value) in response.headers { headers.add(name: name, value: value) }
        if !headers.contains(name: "date") { headers.add(name: "Date", value: HTTPDate.now) }
        if let id = received.request.id { headers.replaceOrAdd(name: RequestID.headerName, value: "\(id)") }

        var keepsAlive = keepsAlive
        headers.remove(name: "Transfer-Encoding")
        switch response.body {
        case _ where !status.mayHaveResponseBody:
            headers.remove(name: "Content-Length")
        case .none:
            headers.replaceOrAdd(name: "Content-Length", value: "0")
        case .bytes(let bytes):
            headers.replaceOrAdd(name: "Content-Length", value: "\(bytes.count)")
        case .stream:
            headers.remove(name: "Content-Length")
            if received.speaksHTTP11 {
                headers.add(name: "Transfer-Encoding", value: "chunked")
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
