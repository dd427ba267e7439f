// Listens, and keeps count of its connections.
import Glibc
import Mailbox
import NIOCore
import NIOHTTP1
import NIOPosix

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
    public static func start(
        host: String, port: Int, limits: HTTPServerLimits = HTTPServerLimits(), handler: @escaping Handler
    ) async throws(HTTPServerError) -> HTTPServer {
        let connections = ConnectionRegistry(max: limits.connectionsMax)
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try addHandlers(to: channel, limits: limits, connections: connections, handler: handler)
                }
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

    private struct TooManyConnections: Error {}

    private static func addHandlers(
        to channel: any Channel, limits: HTTPServerLimits, connections: ConnectionRegistry, handler: @escaping Handler
    ) throws {
        let address = channel.remoteAddress
        let remote = address.flatMap { address in
            address.ipAddress.map { "\($0):\(address.port ?? 0)" }
        }
        let id = ObjectIdentifier(channel)
        let connection = HTTPConnection(limits: limits, remoteAddress: remote ?? "", handler: handler) {
            connections.remove(id)
        }
        guard connections.add(id, ConnectionHandle(connection, eventLoop: channel.eventLoop)) else {
            throw TooManyConnections()  // Closes the channel before it ever becomes active.
        }
        var parserLimits = NIOHTTPDecoderLimitConfiguration()
        parserLimits.maxHeaderListSize = limits.headerBytesMax
        parserLimits.maxHeaderFieldSize = limits.headerBytesMax
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false  // ResponseHead does.
        let pipeline = channel.pipeline.syncOperations
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
