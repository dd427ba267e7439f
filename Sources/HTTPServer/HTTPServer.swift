// Listens, and keeps count of its connections.
import Glibc
import Mailbox
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why a server could not start.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    public let host: String
    public let port: Int
    public let reason: String

    public var description: String { "cannot listen on \(host):\(port): \(reason)" }
}

/// An HTTP/1.1 server on one address.
public final class HTTPServer: Sendable {
    /// Answers one request. Requests of one connection come one after another, those of different ones at once. A request
    /// that has arrived is carried out to the end even if its client has gone.
    public typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

    /// The port it listens on; the system's choice if it was started with 0.
    public let port: Int
    private let listener: any Channel
    private let connections: ConnectionRegistry

    private init(port: Int, listener: any Channel, connections: ConnectionRegistry) {
        self.port = port
        self.listener = listener
        self.connections = connections
    }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - host: An address or a name that resolves to one; `0.0.0.0` for all.
    ///   - port: 0 for any that is free.
    ///   - tls: Nil: plain HTTP. The files are read once, now.
    ///   - admission: Judges each request by its head, before its body is read.
    ///   - report: Told of peers that never became a request. Called on an event loop: it must not wait.
    public static func start(
        host: String, port: Int, limits: HTTPServerLimits = HTTPServerLimits(), tls: ServerTLS? = nil,
        admission: @escaping Admission = { _ in .admitted(identity: nil) },
        report: @escaping @Sendable (ConnectionFault) -> Void = { _ in }, handler: @escaping Handler
    ) async throws(HTTPServerError) -> HTTPServer {
        let connections = ConnectionRegistry(
            max: limits.connectionsMax, perAddressMax: limits.connectionsPerAddressMax)
        let tlsContext: NIOSSLContext?
        do throws(ServerTLSError) {
            tlsContext = try tls?.context()
            if let notice = try tls?.notice(at: time(nil)) {
                report(ConnectionFault(peer: "\(host):\(port)", reason: "serves what clients refuse: \(notice)"))
            }
        } catch {
            throw HTTPServerError(host: host, port: port, reason: "\(error)")
        }
        let child = ChildSetup(
            limits: limits, room: BodyRoom(bytesMax: limits.bodyRoomBytes), tls: tlsContext, connections: connections,
            admission: admission, report: report, handler: handler)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A channel keeps its read buffer, as large as its largest read, for as long as it lives: without a bound
            // each of ten thousand quiet connections would hold the 32 KiB of its one large request.
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 4096)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try child.addHandlers(to: channel) }
            }
        do {
            let listener = try await bootstrap.bind(host: host, port: port).get()
            let actualPort = listener.localAddress?.port ?? port
            return HTTPServer(port: actualPort, listener: listener, connections: connections)
        } catch let error as IOError {
            throw HTTPServerError(host: host, port: port, reason: String(cString: strerror(error.errnoCode)))
        } catch {
            throw HTTPServerError(host: host, port: port, reason: "\(error)")
        }
    }

    /// Stops listening, ends streams in good order and lets answers that are under way finish.
    ///
    /// - Parameter limit: What is not finished by then is cut off.
    public func stop(within limit: Duration = .seconds(5)) async {
        try? await listener.close().get()  // Fails only if it is closed already.
        await connections.stop(within: limit)
    }

    /// Open connections: a gauge for metrics.
    public var connectionCount: Int { connections.count }
}

/// What every connection of a server is given.
private struct ChildSetup: Sendable {
    private struct TurnedAway: Error {}

    let limits: HTTPServerLimits
    let room: BodyRoom
    let tls: NIOSSLContext?
    let connections: ConnectionRegistry
    let admission: HTTPServer.Admission
    let report: @Sendable (ConnectionFault) -> Void
    let handler: HTTPServer.Handler

    /// - Throws: To close the channel before it ever becomes active.
    func addHandlers(to channel: any Channel) throws {
        let address = channel.remoteAddress
        let peer = address.flatMap { address in address.ipAddress.map { "\($0):\(address.port ?? 0)" } } ?? ""
        let id = ObjectIdentifier(channel)
        let connection = HTTPConnection(
            limits: limits, room: room, remoteAddress: peer, admission: admission, handler: handler
        ) { [connections] in connections.remove(id) }
        let ip = address?.ipAddress
        let handle = ConnectionHandle(connection, eventLoop: channel.eventLoop)
        switch connections.add(id, handle, from: ip) {
        case .admitted: break
        case .stopping: throw TurnedAway()
        case .tooMany:
            report(ConnectionFault(peer: peer, reason: "was turned away: too many connections"))
            throw TurnedAway()
        case .tooManyFromAddress:
            report(ConnectionFault(peer: peer, reason: "was turned away: too many connections from its address"))
            throw TurnedAway()
        }
        var parserLimits = NIOHTTPDecoderLimitConfiguration()
        parserLimits.maxHeaderListSize = limits.headerBytesMax
        parserLimits.maxHeaderFieldSize = limits.headerBytesMax
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false  // ResponseHead does.
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandlers(TLSHandlers.make(tls, peer: peer, report: report)) }
        try pipeline.addHandlers(
            HTTPResponseEncoder(configuration: encoding),
            ArrivalNotice(connection),
            ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: parserLimits)),
            connection)
    }
}

/// Tells the connection of bytes before the parser has made anything of them: a head that trickles in byte by byte shows
/// nowhere else. Drops them once the connection has stopped listening.
private final class ArrivalNotice: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    private let connection: HTTPConnection

    init(_ connection: HTTPConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if connection.discardsInput { return }
        connection.bytesArrived()
        context.fireChannelRead(data)
    }
}
