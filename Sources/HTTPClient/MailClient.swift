// Sends one mail by SMTP. libcurl speaks it, so the owner of libcurl does.
import CCurl
import Glibc
import Mailbox

/// A mail server, and how it is spoken to.
public struct MailServer: Equatable, Sendable {
    public enum Encryption: String, CaseIterable, Sendable {
        /// STARTTLS must work, or nothing is sent. An `smtps://` URL begins with TLS.
        case required
        /// STARTTLS if the server offers it.
        case offered
        case never
    }

    /// `smtp://host:port` or `smtps://host:port`
    public var url: String
    public var encryption: Encryption
    /// Nil: no authentication.
    public var username: String?
    public var password: String?
    public var tls: ClientTLS

    public init(
        url: String, encryption: Encryption = .required, username: String? = nil, password: String? = nil,
        tls: ClientTLS = ClientTLS()
    ) {
        self.url = url
        self.encryption = encryption
        self.username = username
        self.password = password
        self.tls = tls
    }
}

/// Why a mail was not taken by the server. Never holds the password.
public struct MailFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String
}

public enum MailClient {
    /// Hands a mail to a server. Blocks a thread of its own, not the caller's.
    ///
    /// - Parameters:
    ///   - message: Header lines, an empty line and the text, with CRLF at the ends of lines.
    ///   - limit: After this it has failed, whatever the server does.
    public static func send(
        _ message: [UInt8], from sender: String, to recipients: [String], through server: MailServer,
        within limit: Duration
    ) async throws(MailFailure) {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<MailFailure?, Never>) in
            DedicatedThread.start(named: "mail") {
                let mail = Mail(bytes: message)
                continuation.resume(
                    returning: mail.send(from: sender, to: recipients, through: server, within: limit))
            }
        }
        if let result { throw result }
    }
}

/// The bytes that libcurl has not read yet. Used by one thread.
private final class Mail {
    private let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    func send(
        from sender: String, to recipients: [String], through server: MailServer, within limit: Duration
    ) -> MailFailure? {
        guard let easy = curl_easy_init() else { return MailFailure(description: "libcurl is out of memory") }
        defer { curl_easy_cleanup(easy) }
        var list: UnsafeMutablePointer<curl_slist>?
        for recipient in recipients { list = curl_slist_append(list, "<\(recipient)>") }
        defer { curl_slist_free_all(list) }
        let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        defer { errorText.deallocate() }
        let milliseconds = Int(limit.components.seconds * 1_000 + limit.components.attoseconds / 1_000_000_000_000_000)
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_string(easy, CURLOPT_URL, server.url)
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds)
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds)
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        ccurl_set_string(easy, CURLOPT_MAIL_FROM, "<\(sender)>")
        ccurl_set_list(easy, CURLOPT_MAIL_RCPT, list)
        if let username = server.username {
            ccurl_set_string(easy, CURLOPT_USERNAME, username)
            ccurl_set_string(easy, CURLOPT_PASSWORD, server.password ?? "")
        }
        switch server.encryption {
        case .required: ccurl_set_long(easy, CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue))
        case .offered: ccurl_set_long(easy, CURLOPT_USE_SSL, Int(CURLUSESSL_TRY.rawValue))
        case .never: break
        }
        ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))  // Or later.
        server.tls.set(on: easy)
        ccurl_set_long(easy, CURLOPT_UPLOAD, 1)
        ccurl_set_pointer(easy, CURLOPT_READDATA, Unmanaged.passUnretained(self).toOpaque())
        ccurl_set_data_callback(easy, CURLOPT_READFUNCTION) { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            return Unmanaged<Mail>.fromOpaque(context).takeUnretainedValue().read(into: buffer, max: size * count)
        }
        let code = curl_easy_perform(easy)
        if code == CURLE_OK { return nil }
        let detail = String(cString: errorText)
        return MailFailure(description: detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail)
    }

    private func read(into buffer: UnsafeMutablePointer<CChar>, max: Int) -> Int {
        let count = min(max, bytes.count - position)
        for offset in 0..<count { buffer[offset] = CChar(bitPattern: bytes[position + offset]) }
        position += count
        return count
    }
}
