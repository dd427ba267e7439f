// Bodies of requests and records of event streams: a message in either encoding.

import SwiftProtobuf

/// Why a body is not the message it should be. The description is the text of the 400 answer, as Mesos words it.
public enum MessageDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
    case json(MesosJSONError, message: String)
    case protobuf(message: String)

    public var description: String {
        switch self {
        case .json(.syntax(let error), _): "Failed to parse body into JSON: \(error)"
        case .json(.notAnObject(let found), _):
            "Failed to parse body into JSON: \(MesosJSONError.notAnObject(found: found))"
        case .json(let error, let message): "Failed to convert JSON into \(message) protobuf: \(error)"
        case .protobuf(let message): "Failed to parse body into \(message) protobuf"
        }
    }
}

extension MediaType {
    /// Encodes a message.
    ///
    /// A required field that is not set stays absent instead of stopping the program; the receiver will refuse the
    /// message.
    public func encode(_ message: some Message) -> [UInt8] {
        switch self {
        case .json:
            return MesosJSON.encode(message)
        case .protobuf:
            do {
                return try message.serializedBytes(partial: true)
            } catch {
                preconditionFailure("only messages over 2 GiB cannot be encoded: \(error)")
            }
        }
    }

    /// Decodes a message from outside. Unknown fields of the binary form are kept and encoded again.
    public func decode<M: Message>(
        _ type: M.Type = M.self, from bytes: [UInt8], limits: JSONLimits = .standard
    ) throws(MessageDecodingError) -> M {
        // `mesos.v1.scheduler.Call` is called `Call` in answers.
        let name = M.protoMessageName.split(separator: ".").last.map(String.init) ?? M.protoMessageName
        switch self {
        case .json:
            do throws(MesosJSONError) {
                return try MesosJSON.decode(type, from: bytes, limits: limits)
            } catch {
                throw .json(error, message: name)
            }
        case .protobuf:
            do {
                return try M(serializedBytes: bytes)
            } catch {
                throw .protobuf(message: name)
            }
        }
    }
}
