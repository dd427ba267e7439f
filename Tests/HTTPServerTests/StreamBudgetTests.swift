// Many streams, some of whose clients do not read: the sum of what waits for them is bounded.
import HTTPServer
import Mailbox
import Testing

@Suite(.timeLimit(.minutes(2)))
struct StreamBudgetTests {
    private static let chunk = [UInt8](repeating: 0x61, count: 64 << 10)

    @Test func `frozen readers are cut off, the furthest behind first, and a reader beside them misses nothing`()
        async throws
    {
        let budget = HTTPStreamBudget(bytesMax: 8 << 20)
        let streams = Mailbox<HTTPStream>()
        let handler: HTTPServer.Handler = { _ in
            // Each could hold everything by itself.
            let stream = HTTPStream(bufferedBytesMax: 64 << 20, budget: budget)
            streams.send(stream)
            return .stream(200, stream, contentType: "text/plain")
        }
        try await withServer(handler: handler) { server in
            let port = server.port
            let ends = Mailbox<(Int, HTTPStreamEnd)>()
            var clients: [RawClient] = []
            var open: [HTTPStream] = []
            for number in 0..<3 {
                let client = try await offPool {
                    let client = try RawClient(port: port, receiveBufferBytes: 4096)
                    client.send("GET / HTTP/1.1\r\n\r\n")
                    _ = try client.read(through: "\r\n\r\n")
                    return client
                }
                clients.append(client)
                let stream = try #require(await streams.next().first)
                stream.onClose { ends.send((number, $0)) }
                open.append(stream)
            }
            let reader = clients[0]
            var heldMost = 0
            // The second falls behind faster than the third.
            for round in 0..<200 {
                open[1].write(Self.chunk)
                if round % 2 == 0 { open[2].write(Self.chunk) }
                open[0].write(Array("<\(round)>".utf8))
                heldMost = max(heldMost, budget.bytes)
                let text = try await offPool { try reader.read(through: "<\(round)>") }
                #expect(text.hasSuffix("<\(round)>"))
            }
            #expect(heldMost <= budget.bytesMax + Self.chunk.count)
            let cut = try #require(await ends.next().first)
            #expect(cut.0 == 1 && cut.1 == .crowdedOut)
            #expect(open[2].bufferedBytes > 0)
            #expect(budget.bytes <= budget.bytesMax)
            open[0].write(Array("end".utf8))
            #expect(try await offPool { try reader.read(through: "end") }.hasSuffix("end"))
            _ = clients
        }
    }

    @Test func `what is not sent any more is not counted`() {
        let budget = HTTPStreamBudget(bytesMax: 1 << 20)
        do {
            let stream = HTTPStream(bufferedBytesMax: 1000, budget: budget)
            stream.write([UInt8](repeating: 1, count: 600))
            #expect(budget.bytes == 600)
            stream.write([UInt8](repeating: 1, count: 600))
            #expect(budget.bytes == 0, "it was cut off for being too slow")
            let other = HTTPStream(bufferedBytesMax: 1000, budget: budget)
            other.write([UInt8](repeating: 1, count: 600))
            #expect(budget.bytes == 600)
        }
        #expect(budget.bytes == 0)
    }
}
