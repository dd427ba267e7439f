// Whom a client trusts, and how it proves itself, over TLS.
import CCurl
import Glibc

/// What `https` URLs of one client are held to. Without it, the system's authorities count.
public struct ClientTLS: Hashable, Sendable {
    /// PEM: the only authorities that are trusted. Nil: those of the system.
    public var caFile: String?
    /// PEM: this client's certificate, for servers that require one, with `keyFile`.
    public var certificateFile: String?
    public var keyFile: String?
    /// Whether the server's certificate must name the host of the URL.
    public var verifyHost: Bool
    /// Whether the server's certificate is looked at. Without it, whoever sits on the wire reads and changes everything.
    public var verifyCertificate: Bool

    public init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, verifyHost: Bool = true,
        verifyCertificate: Bool = true
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.verifyHost = verifyHost
        self.verifyCertificate = verifyCertificate
    }

    /// The first file that cannot be read, and why; nil if all can. Better said at start than at the first request.
    public var unreadableFile: (path: String, reason: String)? {
        for path in [caFile, certificateFile, keyFile].compactMap(\.self) where access(path, R_OK) != 0 {
            return (path, String(cString: strerror(errno)))
        }
        return nil
    }

    /// Applies it to a transfer.
    func set(on easy: UnsafeMutableRawPointer) {
        if let caFile {
            ccurl_set_string(easy, CURLOPT_CAINFO, caFile)
            // Or the system's authorities would be trusted as well.
            ccurl_set_string(easy, CURLOPT_CAPATH, nil)
        }
        if let certificateFile { ccurl_set_string(easy, CURLOPT_SSLCERT, certificateFile) }
        if let keyFile { ccurl_set_string(easy, CURLOPT_SSLKEY, keyFile) }
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, verifyCertificate ? 1 : 0)
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, verifyHost && verifyCertificate ? 2 : 0)
    }
}
