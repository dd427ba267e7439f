// JSON of the v1 API: what Apache Mesos prints and what it accepts, which differs from protobuf's canonical JSON.

import SwiftProtobuf

/// Why a JSON text is not the message it should be.
public enum MesosJSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not JSON, or more of it than we read.
    case syntax(JSONSyntaxError)
    /// JSON, but not an object.
    case notAnObject(found: String)
    /// A value does not fit its field; the reason names the field.
    case mismatch(String)
    /// Paths like `subscribe.framework_info.user`.
    case missingRequiredFields([String])

    public var description: String {
        switch self {
        case .syntax(let error): "\(error)"
        case .notAnObject(let found): "expected a JSON object, found a JSON \(found)"
        case .mismatch(let reason): reason
        case .missingRequiredFields(let paths): "Missing required fields: " + paths.joined(separator: ", ")
        }
    }
}

/// The JSON codec for every message of this module.
public enum MesosJSON {
    /// Prints a message: proto field names in declaration order, bare 64-bit integers, doubles with a point or an
    /// exponent, enum names, base64. Unset fields with an explicit default are printed with it unless deprecated.
    /// Unknown fields have no JSON form and are left out; so are required fields that are not set.
    ///
    /// - Precondition: `M` is generated from one of our own .proto files.
    public static func encode<M: Message>(_ message: M) -> [UInt8] {
        var printer = JSONPrinter(message: schemaIndex(M.self))
        do {
            try message.traverse(visitor: &printer)
        } catch {
            preconditionFailure("the printer refuses nothing, but \(M.protoMessageName) threw \(error)")
        }
        printer.finish()
        return printer.out
    }

    /// Reads a message as Mesos does: unknown members are ignored, null is unset, numbers and booleans may be strings, a
    /// lone value may stand for a list, fractions of integers are cut off, an unknown name for an optional enum leaves
    /// it unset.
    ///
    /// - Precondition: `M` is generated from one of our own .proto files.
    public static func decode<M: Message>(
        _ type: M.Type = M.self, from bytes: [UInt8], limits: JSONLimits = .standard
    ) throws(MesosJSONError) -> M {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: bytes, limits: limits)
        } catch {
            throw .syntax(error)
        }
        return try decode(type, from: value)
    }

    /// The same from a value that was parsed before.
    public static func decode<M: Message>(_ type: M.Type = M.self, from value: JSONValue) throws(MesosJSONError) -> M {
        guard case .object(let members) = value else { throw .notAnObject(found: value.kindName) }
        var transcoder = JSONTranscoder()
        let wire: [UInt8]
        do throws(JSONMismatch) {
            wire = try transcoder.bytes(of: members, message: schemaIndex(M.self))
        } catch {
            throw .mismatch(error.reason)
        }
        guard transcoder.missing.isEmpty else { throw .missingRequiredFields(transcoder.missing) }
        do {
            return try M(serializedBytes: wire)
        } catch {
            // The bytes are well-formed by construction, so this is protobuf's own limit on depth.
            throw .mismatch("\(M.protoMessageName): \(error)")
        }
    }

    private static func schemaIndex<M: Message>(_ type: M.Type) -> Int {
        guard let index = Schema.shared.indexByMessageName[M.protoMessageName] else {
            preconditionFailure("no schema for \(M.protoMessageName)")
        }
        return index
    }
}
