// What somebody types, from the records of a request to the command.

import HTTPServer
import MesosProtocol
import Resources

/// The body of one ATTACH_CONTAINER_INPUT request.
struct SessionInput {
    enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// The client went away.
        case gone
        case malformed(String)

        var description: String {
            switch self {
            case .gone: "The request's body ended too early"
            case .malformed(let reason): reason
            }
        }
    }

    /// Of one record. Typists send little at a time.
    private static let recordBytesMax = 1 << 20

    private let body: HTTPBodyStream
    private let media: MediaType
    private var decoder = RecordIODecoder(recordBytesMax: recordBytesMax)

    init(body: HTTPBodyStream, media: MediaType) {
        self.body = body
        self.media = media
    }

    /// The next record; nil at the end.
    mutating func next() async throws(Fault) -> V1AgentAPICall? {
        while true {
            if let record = try nextRecord() { return try call(record) }
            let piece: [UInt8]?
            do throws(HTTPBodyStream.Failure) { piece = try await body.next() } catch { throw .gone }
            guard let piece else {
                do throws(RecordIOError) { try decoder.finish() } catch { throw .malformed("\(error)") }
                return nil
            }
            decoder.append(piece)
        }
    }

    private mutating func nextRecord() throws(Fault) -> [UInt8]? {
        do throws(RecordIOError) { return try decoder.next() } catch { throw .malformed("\(error)") }
    }

    private func call(_ record: [UInt8]) throws(Fault) -> V1AgentAPICall {
        do throws(MessageDecodingError) { return try media.decode(from: record) } catch { throw .malformed("\(error)") }
    }

    /// Hands everything to the command until the body's end. The end of a whole body ends the command's input; a client
    /// that breaks off may come back.
    mutating func type(into process: any SessionProcess) async -> HTTPResponse {
        do throws(Fault) {
            while let record = try await next() {
                guard record.type == .attachContainerInput, record.attachContainerInput.type == .processIo,
                    record.attachContainerInput.hasProcessIo
                else {
                    return .text(400, "Expecting 'process_io' in every record but the first")
                }
                guard await apply(record.attachContainerInput.processIo, to: process) else {
                    return .text(500, "The container takes no more input")
                }
            }
            process.pipe.endInput()
            return .empty(200)
        } catch {
            return .text(400, error.description)
        }
    }

    /// - Returns: Whether the command can still be told something.
    private func apply(_ message: V1AgentAPIProcessIO, to process: any SessionProcess) async -> Bool {
        switch message.type {
        case .data:
            if message.data.data.isEmpty {
                process.pipe.endInput()
                return true
            }
            return await process.pipe.write(Array(message.data.data))
        case .control where message.control.type == .ttyInfo:
            let size = message.control.ttyInfo.windowSize
            await process.resize(
                SessionRequest.Terminal(rows: UInt16(clamping: size.rows), columns: UInt16(clamping: size.columns)))
            return true
        case .control, .unknown:
            return true
        }
    }
}
