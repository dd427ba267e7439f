// The environment by which users of Apache Mesos configure TLS, brought to our flags.

import HTTPClient
import HTTPServer
import Settings

/// TLS settings of a master or an agent: from flags, or from `LIBPROCESS_SSL_*` where a flag is missing.
///
/// Certificates are read when the process starts. A renewed one is used after a restart, which costs no task.
struct TLSSettings: Equatable {
    var certificateFile: String?
    var keyFile: String?
    var caFile: String?
    var requiresClientCertificate = false
    var verifiesServers = true

    /// The variables of libprocess, each with what it means here.
    ///
    /// - Throws: When TLS is switched on and a file is missing.
    static func fromEnvironment(_ environment: [String: String]) throws(SettingsProblem) -> TLSSettings? {
        func value(_ name: String) -> String? {
            guard let value = environment["LIBPROCESS_SSL_\(name)"], !value.isEmpty else { return nil }
            return value
        }
        func flag(_ name: String) throws(SettingsProblem) -> Bool? {
            guard let text = value(name) else { return nil }
            switch text.lowercased() {
            case "true", "1": return true
            case "false", "0": return false
            default:
                throw SettingsProblem("LIBPROCESS_SSL_\(name): expected true or false, found '\(text)'")
            }
        }
        guard try flag("ENABLED") == true else { return nil }
        if try flag("SUPPORT_DOWNGRADE") == true {
            throw SettingsProblem(
                "LIBPROCESS_SSL_SUPPORT_DOWNGRADE: plain HTTP on a TLS port is not supported; unset it")
        }
        var settings = TLSSettings()
        settings.certificateFile = value("CERT_FILE")
        settings.keyFile = value("KEY_FILE")
        settings.caFile = value("CA_FILE")
        for (name, file) in [("CERT_FILE", settings.certificateFile), ("KEY_FILE", settings.keyFile)] where file == nil
        {
            throw SettingsProblem("LIBPROCESS_SSL_ENABLED is true, and LIBPROCESS_SSL_\(name) is missing")
        }
        settings.requiresClientCertificate = try flag("REQUIRE_CERT") ?? false
        // libprocess does not look at certificates unless told to; here one has to ask for that.
        settings.verifiesServers = try flag("VERIFY_CERT") ?? true
        return settings
    }

    var server: ServerTLS? {
        guard let certificateFile, let keyFile else { return nil }
        return ServerTLS(
            certificateChainFile: certificateFile, keyFile: keyFile, caFile: caFile,
            requireClientCertificate: requiresClientCertificate)
    }

    /// How this process dials others; its own certificate proves it where one is required.
    var client: ClientTLS {
        ClientTLS(
            caFile: caFile, certificateFile: certificateFile, keyFile: keyFile, verifyCertificate: verifiesServers)
    }
}
