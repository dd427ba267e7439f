// Flags by which a client of the cluster proves itself, and says whom it trusts.

import ArgumentParser
import Foundation
import HTTPClient

/// How a client of the cluster proves itself, and whom it trusts.
struct ClientSecurityFlags: ParsableArguments {
    @Option(help: "Principal to prove to the master; needs --secret_file.") var principal: String?
    @Option(
        name: .customLong("secret_file"),
        help: ArgumentHelp("File that holds the principal's secret.", valueName: "path")
    )
    var secretFile: String?
    @Option(
        name: .customLong("tls_ca_file"),
        help: ArgumentHelp("Dial with TLS, and trust the certificates of these authorities.", valueName: "PEM file"))
    var caFile: String?

    /// What a flag does not say, the environment may.
    private static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    func credentials() throws -> (principal: String, secret: String)? {
        let principal = principal ?? Self.environment("MINI_PRINCIPAL")
        switch (principal, secretFile ?? Self.environment("MINI_SECRET_FILE")) {
        case (nil, nil): return nil
        case (let principal?, let file?):
            guard let content = FileManager.default.contents(atPath: file), content.count <= 4096 else {
                throw CommandFailure(description: "--secret_file: cannot read \(file), or it is larger than 4096 bytes")
            }
            let text = String(decoding: content, as: UTF8.self).trimmingCharacters(in: .newlines)
            return (principal, text)
        default: throw CommandFailure(description: "--principal and --secret_file go together")
        }
    }

    /// - Parameter isSecureURL: Whether the master was named by an `https` URL.
    func tls(isSecureURL: Bool) throws -> ClientTLS? {
        let caFile = caFile ?? Self.environment("MINI_TLS_CA_FILE")
        guard isSecureURL || caFile != nil else { return nil }
        let tls = ClientTLS(caFile: caFile)
        if let file = tls.unreadableFile {
            throw CommandFailure(description: "--tls_ca_file: cannot read \(file.path): \(file.reason)")
        }
        return tls
    }
}
