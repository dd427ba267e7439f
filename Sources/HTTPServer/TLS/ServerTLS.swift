// What a TLS listener is configured with, and the context that NIO makes of it.
import Glibc
import NIOSSL
import TextTables

/// Certificate, key and whom to trust. The files are read when the server starts, and again only when it is restarted.
public struct ServerTLS: Sendable, Hashable {
    /// PEM: the server's certificate, followed by the certificates that lead to its root.
    public var certificateChainFile: String
    /// PEM: the private key, not encrypted.
    public var keyFile: String
    /// PEM: the authorities that client certificates must come from. Nil: those of the system.
    public var caFile: String?
    /// Whether a client without a certificate of those authorities is refused.
    public var requireClientCertificate: Bool

    public init(
        certificateChainFile: String, keyFile: String, caFile: String? = nil, requireClientCertificate: Bool = false
    ) {
        self.certificateChainFile = certificateChainFile
        self.keyFile = keyFile
        self.caFile = caFile
        self.requireClientCertificate = requireClientCertificate
    }

    /// Reads the files.
    ///
    /// - Throws: With the file's path.
    func context() throws(ServerTLSError) -> NIOSSLContext {
        let chain = try Self.certificates(in: certificateChainFile)
        let key: NIOSSLPrivateKey
        try Self.checkReadable(keyFile)
        do {
            key = try NIOSSLPrivateKey(file: keyFile, format: .pem)
        } catch {
            // The cause may quote the file; the path is enough.
            throw ServerTLSError(path: keyFile, reason: "it is not a PEM private key, or it is encrypted")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let caFile {
            _ = try Self.certificates(in: caFile)
            configuration.trustRoots = .file(caFile)
        }
        configuration.certificateVerification =
            requireClientCertificate ? .noHostnameVerification : caFile == nil ? .none : .optionalVerification
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ServerTLSError(
                path: certificateChainFile, reason: "certificate and key (\(keyFile)) do not fit together")
        }
    }

    /// What an operator should hear at start: a certificate that is not valid now.
    func notice(at seconds: Int) throws(ServerTLSError) -> String? {
        guard let own = try Self.certificates(in: certificateChainFile).first else { return nil }
        return CertificateText.validityFault(of: own, at: seconds).map { "\(certificateChainFile): \($0)" }
    }

    private static func certificates(in path: String) throws(ServerTLSError) -> [NIOSSLCertificate] {
        try checkReadable(path)
        do {
            let all = try NIOSSLCertificate.fromPEMFile(path)
            if !all.isEmpty { return all }
        } catch {}  // As if there were none.
        throw ServerTLSError(path: path, reason: "it holds no PEM certificate")
    }

    private static func checkReadable(_ path: String) throws(ServerTLSError) {
        guard access(path, R_OK) == 0 else {
            throw ServerTLSError(path: path, reason: String(cString: strerror(errno)))
        }
    }
}

/// Why a TLS configuration cannot be used.
public struct ServerTLSError: Error, Hashable, Sendable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public var description: String { "\(path): \(reason)" }
}

/// Certificates in words.
enum CertificateText {
    /// The subject's name, without what could break a log line.
    static func subject(of certificate: NIOSSLCertificate) -> String {
        let text = "\(certificate)"
        guard let mark = text.range(of: "common_name=") else { return "a certificate without a name" }
        let name = text[mark.upperBound...].prefix { $0 != ";" && $0 != ">" }
        return "'\(DisplayWidth.line(String(name)))'"
    }

    static func validityFault(of certificate: NIOSSLCertificate, at seconds: Int) -> String? {
        if certificate.notValidAfter < seconds { return "the certificate of \(subject(of: certificate)) has expired" }
        if certificate.notValidBefore > seconds {
            return "the certificate of \(subject(of: certificate)) is not valid yet"
        }
        return nil
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
