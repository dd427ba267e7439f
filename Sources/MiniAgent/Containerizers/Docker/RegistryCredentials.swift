// Who the agent is to an image registry, from a configuration file of Docker's own format.

import Foundation
import MesosProtocol

/// The passwords of a `config.json` or of the older `.dockercfg`, by registry.
///
/// Follows Docker's documentation of `auths`: an entry has `auth` (`user:password` in Base64), or `username` and `password`,
/// or an `identitytoken`. Credential helpers are other programs and are not run.
package struct RegistryCredentials: Sendable {
    package struct Entry: Hashable, Sendable {
        var user: String
        var password: String
        var identityToken: String?
    }

    private var entries: [String: Entry] = [:]

    package init() {}

    /// - Throws: What is wrong with the text. It names registries, never passwords.
    package init(_ text: [UInt8]) throws(RegistryCredentialsError) {
        guard let value = try? JSONValue(parsing: text), let members = value.objectValue else {
            throw RegistryCredentialsError("not a JSON object")
        }
        // The older format is the object of registries itself.
        let registries: [JSONMember]
        if let auths = value["auths"] {
            guard let object = auths.objectValue else { throw RegistryCredentialsError("'auths' is not an object") }
            registries = object
        } else {
            registries = members.filter { $0.value["auth"] != nil || $0.value["username"] != nil }
        }
        for registry in registries {
            entries[Self.host(of: registry.key)] = try Self.entry(registry.value, of: registry.key)
        }
    }

    private static func entry(_ value: JSONValue, of registry: String) throws(RegistryCredentialsError) -> Entry {
        let token = value["identitytoken"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        if let text = value["auth"]?.stringValue, !text.isEmpty {
            guard let data = Data(base64Encoded: text), let plain = String(data: data, encoding: .utf8),
                let colon = plain.firstIndex(of: ":")
            else { throw RegistryCredentialsError("the 'auth' of \(registry) is not user:password in Base64") }
            // Old clients end it with a NUL.
            let password = plain[plain.index(after: colon)...].drop { $0 == "\0" }
            return Entry(
                user: String(plain[..<colon]), password: String(password.prefix { $0 != "\0" }), identityToken: token)
        }
        let user = value["username"]?.stringValue ?? ""
        guard !user.isEmpty || token != nil else {
            // `docker login` with a credential helper leaves an empty entry behind.
            return Entry(user: "", password: "", identityToken: nil)
        }
        return Entry(user: user, password: value["password"]?.stringValue ?? "", identityToken: token)
    }

    /// The value of `X-Registry-Auth` for an image's registry; nil when nothing is known of it.
    package func authorization(for image: String) -> String? {
        let host = ImageReference(image).registry
        guard let entry = entries[host], !entry.user.isEmpty || entry.identityToken != nil else { return nil }
        var members: [(String, JSONValue?)] = []
        if let token = entry.identityToken {
            members.append(("identitytoken", .string(token)))
        } else {
            members += [("username", .string(entry.user)), ("password", .string(entry.password))]
        }
        members.append(("serveraddress", .string(host == ImageReference.hub ? "https://index.docker.io/v1/" : host)))
        return Data(JSONValue.members(members).text).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    /// `https://reg.example:5000/v1/` and `reg.example:5000` are the same registry.
    private static func host(of key: String) -> String {
        var text = key[...]
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
        let host = String(text.prefix { $0 != "/" })
        return ImageReference.hubNames.contains(host) ? ImageReference.hub : host
    }
}

package struct RegistryCredentialsError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
}
