// One easy handle: how a request becomes libcurl options, and its callbacks a response.
import CCurl
import CLinux
import Glibc

/// Lives on the loop's thread only.
final class CurlTransfer {
    let id: CurlLoop.TransferID
    let exchange: Exchange
    let easy: UnsafeMutableRawPointer
    let idleTimeout: Duration?
    fileprivate let networkNamespace: String?
    private let followsRedirects: Bool
    /// No head comes; the first byte stands for it, or the end.
    private let isFTP: Bool
    private let upload: HTTPClientUpload?
    private let errorText: UnsafeMutablePointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?

    private var head = ResponseHead(status: 0, headers: [])
    private var isHeadDelivered = false
    private var lastActivity = ContinuousClock.now
    private var isPaused = false

    /// - Returns: `nil` if the request cannot be sent as it is.
    init?(id: CurlLoop.TransferID, request: HTTPClientRequest, tls: ClientTLS?, exchange: Exchange) {
        guard Self.isSendable(request), let easy = curl_easy_init() else { return nil }
        self.id = id
        self.exchange = exchange
        self.easy = easy
        idleTimeout = request.idleTimeout
        networkNamespace = request.networkNamespace
        followsRedirects = request.followRedirects
        isFTP = request.allowsFTP && request.url.prefix(3).lowercased() == "ftp"
        upload = request.upload
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        setOptions(request)
        ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))  // Or later.
        tls?.set(on: easy)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    /// The transfer an easy handle belongs to.
    static func of(_ easy: UnsafeMutableRawPointer) -> CurlTransfer? {
        var context: UnsafeMutableRawPointer?
        ccurl_get_pointer(easy, CURLINFO_PRIVATE, &context)
        return context.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// When the silence becomes too long. Not while the reader holds the sender up.
    var idleDeadline: ContinuousClock.Instant? {
        guard let idleTimeout, !isPaused else { return nil }
        return lastActivity + idleTimeout
    }

    func resume() {
        isPaused = false
        lastActivity = .now
        curl_easy_pause(easy, CURLPAUSE_CONT)
    }

    func result(_ code: CURLcode) -> Result<Void, HTTPClientError> {
        if code == CURLE_OK {
            deliverFTPHead()
            return .success(())
        }
        let detail = String(cString: errorText)
        let message = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        switch code {
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: return .failure(.couldNotConnect(message))
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED:
            return .failure(.notSecure(message))
        case CURLE_RECV_ERROR where message.contains("SSL"), CURLE_SEND_ERROR where message.contains("SSL"):
            // How TLS 1.3 refuses a client's certificate: after the client believes the handshake over.
            return .failure(.notSecure(message))
        case CURLE_OPERATION_TIMEDOUT: return .failure(.timedOut(message))
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR: return .failure(.closedEarly)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .failure(.invalidURL)
        default: return .failure(.other(code: Int32(code.rawValue), message: message))
        }
    }

    // MARK: Callbacks

    fileprivate func received(headerLine line: UnsafeBufferPointer<UInt8>) {
        lastActivity = .now
        if isHeadDelivered || isFTP { return }  // Trailers; what an FTP server says.
        let text = line.drop { $0 == 0x20 }.prefix { $0 != 0x0D && $0 != 0x0A }
        if text.isEmpty {
            if isFinalHead {
                isHeadDelivered = true
                // Who refuses does not read on, and libcurl would wait for the rest of the body for ever.
                if head.status >= 400 { upload?.finish() }
                exchange.deliver(head)
            }
        } else if text.starts(with: "HTTP/".utf8) {
            let status = text.drop { $0 != 0x20 }.dropFirst().prefix { $0 != 0x20 }
            head = ResponseHead(status: Int(String(decoding: status, as: UTF8.self)) ?? 0, headers: [])
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
            let value = text[(colon + 1)...].drop(while: isSpace)
            let end = value.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? value.startIndex
            head.headers.append(
                (String(decoding: text[..<colon], as: UTF8.self), String(decoding: value[..<end], as: UTF8.self)))
        }
    }

    /// Not an interim response, and not a redirect that libcurl is about to follow.
    private var isFinalHead: Bool {
        if (100..<200).contains(head.status) && head.status != 101 { return false }
        let isRedirect = [301, 302, 303, 307, 308].contains(head.status)
        return !(followsRedirects && isRedirect && head.headers.contains { sameFieldName($0.name, "location") })
    }

    /// - Returns: `false` to hold the sender up; the same bytes come again after `resume()`.
    fileprivate func received(body bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        lastActivity = .now
        deliverFTPHead()
        isPaused = !exchange.deliver(bytes)
        return !isPaused
    }

    private func deliverFTPHead() {
        guard isFTP, !isHeadDelivered else { return }
        isHeadDelivered = true
        exchange.deliver(ResponseHead(status: 226, headers: []))
    }

    /// - Returns: What libcurl's read callback is to return.
    fileprivate func send(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        lastActivity = .now
        guard let upload else { return 0 }
        return upload.take(into: buffer) ?? Int(CURL_READFUNC_PAUSE)
    }

    // MARK: Options

    /// Control characters in a field would let its value pass for other fields.
    private static func isSendable(_ request: HTTPClientRequest) -> Bool {
        let isToken = { (text: String) in
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        }
        let isLine = { (text: String) in text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }
        return isToken(request.method) && isLine(request.url)
            && request.headers.allSatisfy { isToken($0.0) && isLine($0.1) }
    }

    private func setOptions(_ request: HTTPClientRequest) {
        let context = Unmanaged.passUnretained(self).toOpaque()  // The handle does not outlive self.
        ccurl_set_pointer(easy, CURLOPT_PRIVATE, context)
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        ccurl_set_data_callback(easy, CURLOPT_HEADERFUNCTION, onHeaderLine)
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        ccurl_set_data_callback(easy, CURLOPT_WRITEFUNCTION, onBody)
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)

        ccurl_set_string(easy, CURLOPT_URL, request.url)
        ccurl_set_string(
            easy, CURLOPT_PROTOCOLS_STR, request.allowsFTP ? "http,https,ftp,ftps" : "http,https")
        ccurl_set_string(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        ccurl_set_string(easy, CURLOPT_PROXY, "")
        if let path = request.unixSocketPath { ccurl_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, path) }
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, request.followRedirects ? 1 : 0)
        ccurl_set_long(easy, CURLOPT_MAXREDIRS, 5)
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.curlMilliseconds)
        if let total = request.totalTimeout { ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, total.curlMilliseconds) }
        if request.usesFreshConnection || request.networkNamespace != nil {
            // A kept connection may lead into another namespace, and must not be left for others.
            ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)
            ccurl_set_long(easy, CURLOPT_FORBID_REUSE, 1)
        }
        if request.networkNamespace != nil {
            ccurl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, context)
            ccurl_set_open_socket_callback(easy, onOpenSocket)
        }
        setMethodAndBody(request)
    }

    private func setMethodAndBody(_ request: HTTPClientRequest) {
        var lines = request.headers.map { name, value in value.isEmpty ? "\(name);" : "\(name): \(value)" }
        // A POST without a body is one with an empty body: servers insist on its Content-Length.
        let body = upload == nil ? request.body ?? (["POST", "PUT", "PATCH"].contains(request.method) ? [] : nil) : nil
        if upload != nil {
            // Its length is not known before its end, so it goes in chunks.
            ccurl_set_long(easy, CURLOPT_POST, 1)
            ccurl_set_pointer(easy, CURLOPT_READDATA, Unmanaged.passUnretained(self).toOpaque())
            ccurl_set_data_callback(easy, CURLOPT_READFUNCTION, onUpload)
            lines += ["Transfer-Encoding: chunked", "Expect:"]
        } else if let body {
            ccurl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            _ = body.withUnsafeBytes { bytes in
                // An empty array may have no address, which libcurl would take for "read the body from a callback".
                if let address = bytes.baseAddress, !bytes.isEmpty {
                    ccurl_set_const_pointer(easy, CURLOPT_COPYPOSTFIELDS, address)
                } else {
                    ccurl_set_string(easy, CURLOPT_COPYPOSTFIELDS, "")
                }
            }
            lines.append("Expect:")  // Or libcurl waits a second for 100 Continue before larger bodies.
            if !request.headers.contains(where: { sameFieldName($0.0, "content-type") }) {
                lines.append("Content-Type:")  // Not the form type that libcurl assumes.
            }
            if request.method != "POST" { ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method) }
        } else if request.method == "HEAD" {
            ccurl_set_long(easy, CURLOPT_NOBODY, 1)
        } else if request.method != "GET" {
            ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
        }
        for line in lines { headerList = curl_slist_append(headerList, line) }
        ccurl_set_list(easy, CURLOPT_HTTPHEADER, headerList)
    }
}

private let onHeaderLine: ccurl_data_callback = { bytes, size, count, context in
    guard let bytes, let context else { return size * count }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    bytes.withMemoryRebound(to: UInt8.self, capacity: size * count) {
        transfer.received(headerLine: UnsafeBufferPointer(start: $0, count: size * count))
    }
    return size * count
}

private let onOpenSocket: ccurl_open_socket_callback = { context, _, address in
    guard let context, let address else { return CURL_SOCKET_BAD }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    guard let path = transfer.networkNamespace else { return CURL_SOCKET_BAD }
    var socket: Int32 = -1
    let kind = address.pointee
    guard clinux_socket_in_namespace(path, kind.family, kind.socktype, kind.protocol, &socket) == 0 else {
        return CURL_SOCKET_BAD
    }
    return socket
}

private let onBody: ccurl_data_callback = { bytes, size, count, context in
    guard let bytes, let context else { return size * count }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    let isTaken = bytes.withMemoryRebound(to: UInt8.self, capacity: size * count) {
        transfer.received(body: UnsafeBufferPointer(start: $0, count: size * count))
    }
    return isTaken ? size * count : Int(CURL_WRITEFUNC_PAUSE)
}

private let onUpload: ccurl_data_callback = { bytes, size, count, context in
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    return bytes.withMemoryRebound(to: UInt8.self, capacity: size * count) {
        transfer.send(into: UnsafeMutableBufferPointer(start: $0, count: size * count))
    }
}

extension Duration {
    /// Whole milliseconds, at least 1: libcurl takes 0 for "no timeout".
    fileprivate var curlMilliseconds: Int {
        max(1, Int(clamping: Int64((self / .milliseconds(1)).rounded(.up).clamped)))
    }
}

extension Double {
    fileprivate var clamped: Double { Swift.min(Swift.max(self, 0), 1e12) }
}
