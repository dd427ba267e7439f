// The tokens by which executors prove who they are: JSON Web Tokens (RFC 7519) signed with a key of the operator's.

import Foundation
import HTTPServer
import Hashing
import MesosProtocol
import Resources

/// Makes and checks tokens of executors, as `--authenticate_http_executors` of Apache Mesos has them: HS256, with the claims
/// `fid`, `eid` and `cid`. Nothing of them is kept: the key tells after a restart what it told before.
public struct ExecutorTokens: Sendable {
    /// Who a token was made for.
    package struct Claims: Hashable, Sendable {
        package var key: ExecutorKey
        package var container: ContainerID

        package init(_ key: ExecutorKey, _ container: ContainerID) {
            self.key = key
            self.container = container
        }
    }

    static let realm = "mesos-agent-executor"
    /// Far longer than any that is made here.
    private static let bytesMax = 8 << 10

    private let key: [UInt8]

    /// - Parameter key: A secret: whoever knows it can play any executor.
    public init(key: [UInt8]) { self.key = key }

    package func token(for claims: Claims) -> String {
        let header = JSONValue.members([("alg", .string("HS256")), ("typ", .string("JWT"))])
        let payload = JSONValue.members([
            ("cid", .string(claims.container.value)), ("eid", .string(claims.key.executor.value)),
            ("fid", .string(claims.key.framework.value)),
        ])
        let signed = "\(Self.encode(header.text)).\(Self.encode(payload.text))"
        return "\(signed).\(Self.encode(HMAC.sha256(key: key, Array(signed.utf8))))"
    }

    /// - Returns: Nil for what was not signed with this key.
    package func claims(in token: String) -> Claims? {
        guard token.utf8.count <= Self.bytesMax else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let signature = Self.decode(parts[2]) else { return nil }
        let expected = HMAC.sha256(key: key, Array("\(parts[0]).\(parts[1])".utf8))
        // The time this takes says nothing about where they differ.
        guard signature.count == expected.count, zip(signature, expected).reduce(0, { $0 | ($1.0 ^ $1.1) }) == 0,
            let payload = Self.decode(parts[1]), let value = try? JSONValue(parsing: payload),
            let framework = value["fid"]?.stringValue, let executor = value["eid"]?.stringValue,
            let container = value["cid"]?.stringValue
        else { return nil }
        return Claims(
            ExecutorKey(framework: FrameworkID(framework), executor: ExecutorID(executor)), ContainerID(container))
    }

    /// What a request proves; nil if it proves nothing.
    func claims(in request: HTTPRequest) -> Claims? {
        guard let field = request.headers(named: "Authorization").first else { return nil }
        let words = field.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return claims(in: words[1].trimmingCharacters(in: .whitespaces))
    }

    static let refusal = HTTPResponse.text(
        401, "", headers: [("WWW-Authenticate", "Bearer realm=\"\(realm)\"")])

    private static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    private static func decode(_ text: Substring) -> [UInt8]? {
        guard !text.contains("+"), !text.contains("/"), !text.contains("=") else { return nil }
        var base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        return Data(base64Encoded: base64).map { Array($0) }
    }
}
