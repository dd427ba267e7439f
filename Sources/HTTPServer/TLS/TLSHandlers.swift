// The two handlers around a connection's TLS: one turns away clients that do not speak it, one says why others failed.
import Glibc
import NIOCore
import NIOSSL
import NIOTLS

enum TLSHandlers {
    /// The head of a TLS connection's pipeline. Everything after it sees plain HTTP.
    static func make(
        _ context: NIOSSLContext, peer: String, report: @escaping @Sendable (ConnectionFault) -> Void
    ) -> [any ChannelHandler] {
        let watch = HandshakeWatch(peer: peer, report: report)
        return [PlainTextGuard(watch), NIOSSLServerHandler(context: context), watch]
    }
}

/// Looks at the first byte. TLS begins with a handshake record; a client that begins otherwise gets an answer it can read.
private final class PlainTextGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let handshakeRecord: UInt8 = 22
    private static let alertRecord: UInt8 = 21
    private static let lingerMax = TimeAmount.seconds(1)
    private static let answer: String = {
        let text = "Client sent an HTTP request to an HTTPS server.\n"
        return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)"
    }()

    private let watch: HandshakeWatch
    private var isTurnedAway = false

    init(_ watch: HandshakeWatch) { self.watch = watch }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isTurnedAway { return }
        if !watch.hasSeenBytes, let first = Self.unwrapInboundIn(data).readableBytesView.first {
            watch.hasSeenBytes = true
            if first != Self.handshakeRecord { return turnAway(context) }
        }
        if !watch.isSettled { noteAlerts(Self.unwrapInboundIn(data).readableBytesView) }
        context.fireChannelRead(data)
    }

    /// Remembers why a client gives up. Of TLS 1.3 a client that refuses our certificate says so before it has keys, and
    /// the library, which has them, takes that for garbage.
    private func noteAlerts(_ bytes: ByteBufferView) {
        var rest = bytes[...]
        while rest.count >= 5 {
            let type = rest[rest.startIndex]
            let length = Int(rest[rest.startIndex + 3]) << 8 | Int(rest[rest.startIndex + 4])
            let body = rest.dropFirst(5).prefix(length)
            if type == Self.alertRecord, length == 2, let description = body.dropFirst().first {
                watch.alert = description
            }
            rest = rest.dropFirst(5 + length)
        }
    }

    private func turnAway(_ context: ChannelHandlerContext) {
        isTurnedAway = true
        watch.fail("sent plain text to a TLS port")
        context.writeAndFlush(Self.wrapOutboundOut(context.channel.allocator.buffer(string: Self.answer)), promise: nil)
        // Our side only: closing both at once would reset the connection and could destroy the answer unread.
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.lingerMax) { channel.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isTurnedAway, case .some(ChannelEvent.inputClosed) = event as? ChannelEvent {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// What TLS would say to a client that does not speak it.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isTurnedAway {
            promise?.fail(ChannelError.outputClosed)
        } else {
            context.write(data, promise: promise)
        }
    }
}

/// Ends a handshake that takes too long, and reports one that fails, once.
private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let handshakeMax = TimeAmount.seconds(10)

    private let peer: String
    private let report: @Sendable (ConnectionFault) -> Void
    private(set) var isSettled = false
    /// The last alert that came in plain text: the number that RFC 8446, 6, gives it.
    var alert: UInt8?
    private var deadline: Scheduled<Void>?
    var hasSeenBytes = false

    init(peer: String, report: @escaping @Sendable (ConnectionFault) -> Void) {
        self.peer = peer
        self.report = report
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let watch = NIOLoopBound(self, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: Self.handshakeMax) {
            // Silence before the first byte is a port check or a kept connection, not worth a line.
            if watch.value.hasSeenBytes { watch.value.fail("did not finish the TLS handshake in time") }
            channel.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { settle() }

    func fail(_ reason: String) {
        if isSettled { return }
        settle()
        report(ConnectionFault(peer: peer, reason: reason))
    }

    private func settle() {
        isSettled = true
        deadline?.cancel()
        deadline = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(TLSUserEvent.handshakeCompleted) = event as? TLSUserEvent { settle() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isSettled {
            // After the handshake only a socket that broke, or an end without the goodbye of TLS, comes this way.
            if case .some(NIOSSLError.uncleanShutdown) = error as? NIOSSLError { return }
            context.fireErrorCaught(error)
            return
        }
        if hasSeenBytes { fail(reason(for: error, context)) }
        context.close(promise: nil)
    }

    private func reason(for error: any Error, _ context: ChannelHandlerContext) -> String {
        let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
        let who = certificate.map { " of \(CertificateText.subject(of: $0))" } ?? ""
        if let certificate, let fault = CertificateText.validityFault(of: certificate, at: time(nil)) {
            return "was refused: \(fault)"
        }
        if let text = alert.flatMap({ HandshakeFailure.alerts[$0] }) { return text }
        return HandshakeFailure.text("\(error)", certificate: who)
    }
}

/// The library's words for a failed handshake, in ours.
enum HandshakeFailure {
    static let alerts: [UInt8: String] = [
        42: "refuses our certificate", 43: "refuses our certificate", 46: "refuses our certificate",
        45: "refuses our certificate: it has expired",
        48: "refuses our certificate: it does not know the authority that signed it",
    ]

    private static let known: [(mark: String, text: String)] = [
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "was refused: it has no certificate, and this port requires one"),
        ("ALERT_CERTIFICATE_EXPIRED", "refuses our certificate: it has expired"),
        ("ALERT_UNKNOWN_CA", "refuses our certificate: it does not know the authority that signed it"),
        ("ALERT_BAD_CERTIFICATE", "refuses our certificate"),
        ("ALERT_CERTIFICATE_UNKNOWN", "refuses our certificate"),
        ("UNSUPPORTED_PROTOCOL", "was refused: it speaks no version of TLS that is still safe (1.2 or later)"),
        ("NO_SHARED_CIPHER", "was refused: no cipher is known to both sides"),
        ("WRONG_VERSION_NUMBER", "sent something that is not TLS"),
    ]

    static func text(_ error: String, certificate: String) -> String {
        if error.contains("CERTIFICATE_VERIFY_FAILED") {
            return "was refused: the certificate\(certificate) was not signed by an authority we trust"
        }
        if let match = known.first(where: { error.contains($0.mark) }) { return match.text }
        if error.contains("EOF") || error.contains("uncleanShutdown") { return "left during the TLS handshake" }
        let line = error.prefix(200).map { $0.isNewline ? " " : String($0) }.joined()
        return "failed the TLS handshake: \(line)"
    }
}
