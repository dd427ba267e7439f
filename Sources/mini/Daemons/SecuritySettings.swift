// From the settings of a daemon to its security: who must prove who they are, who may do what, how fast, and TLS.

import Foundation
import HTTPClient
import HTTPServer
import MesosProtocol
import MiniAgent
import MiniMaster
import Security
import Settings

extension MasterSecurity {
    /// - Throws: ``SettingsProblem`` if a document makes no sense: a rule that is skipped would be a hole.
    init(_ settings: ResolvedSettings) throws(SettingsProblem) {
        self.init()
        credentials = try settings.credentials("credentials", &notices)
        authenticatesFrameworks =
            settings.boolean("authenticate_http_frameworks") || settings.boolean("authenticate_frameworks")
        authenticatesAgents = settings.boolean("authenticate_agents")
        authenticatesReadOnly = settings.boolean("authenticate_http_readonly")
        authenticatesReadWrite = settings.boolean("authenticate_http_readwrite")
        acls = try settings.accessControlList(&notices)
        rateLimits = try settings.rateLimits()
        disabledEndpoints = try settings.disabledEndpoints()
        let tls = try TLSSettings(settings)
        self.tls = tls?.server
        peerTLS = tls?.client
        shownFlags = settings.shownPaths("credentials")
    }
}

extension AgentSecurity {
    /// - Throws: ``SettingsProblem`` if a document makes no sense.
    init(_ settings: ResolvedSettings) throws(SettingsProblem) {
        self.init()
        if let document = settings.document("credential", isSecret: true, &notices) {
            do throws(CredentialsError) {
                credential = try Credential.parse(document.bytes, source: document.source)
            } catch {
                throw settings.problem("credential", "\(error)")
            }
        }
        httpCredentials = try settings.credentials("http_credentials", &notices)
        authenticatesReadOnly = settings.boolean("authenticate_http_readonly")
        authenticatesReadWrite = settings.boolean("authenticate_http_readwrite")
        authenticatesExecutors = settings.boolean("authenticate_http_executors")
        if let document = settings.document("jwt_secret_key", isSecret: true, &notices) {
            guard !document.bytes.isEmpty else { throw settings.problem("jwt_secret_key", "the key is empty") }
            executorTokens = ExecutorTokens(key: document.bytes)
        }
        acls = try settings.accessControlList(&notices)
        disabledEndpoints = try settings.disabledEndpoints()
        if let tls = try TLSSettings(settings) {
            self.tls = tls.server
            masterTLS = tls.client
            if !tls.verifiesServers {
                notices.append("LIBPROCESS_SSL_VERIFY_CERT is false: the master's certificate is not looked at")
            }
        }
        shownFlags = settings.shownPaths("credential", "http_credentials", "jwt_secret_key")
    }
}

extension ResolvedSettings {
    /// A document's text, and what to call it in messages: its file, or the flag.
    fileprivate func document(
        _ flag: String, isSecret: Bool, _ notices: inout [String]
    ) -> (bytes: [UInt8], source: String)? {
        guard let text = text(flag) else { return nil }
        let path = settings[flag]?.contentPath
        if isSecret, let path, let warning = SecretFileCheck.warning(aboutFile: path, flag: flag) {
            notices.append(warning)
        }
        return (Array(text.utf8), path ?? "--\(flag)")
    }

    fileprivate func credentials(_ flag: String, _ notices: inout [String]) throws(SettingsProblem) -> Credentials? {
        guard let document = document(flag, isSecret: true, &notices) else { return nil }
        do throws(CredentialsError) {
            return try Credentials.parse(document.bytes, source: document.source)
        } catch {
            throw problem(flag, "\(error)")
        }
    }

    fileprivate func accessControlList(_ notices: inout [String]) throws(SettingsProblem) -> AccessControlList? {
        guard let document = document("acls", isSecret: false, &notices) else { return nil }
        do throws(AccessControlListError) {
            let list = try AccessControlList.parse(document.bytes, source: document.source)
            notices += list.notices
            return list.rules
        } catch {
            throw problem("acls", "\(error)")
        }
    }

    fileprivate func rateLimits() throws(SettingsProblem) -> RateLimits? {
        var notices: [String] = []
        guard let document = document("rate_limits", isSecret: false, &notices) else { return nil }
        do throws(RateLimitsError) {
            return try RateLimits.parse(document.bytes, source: document.source)
        } catch {
            throw problem("rate_limits", "\(error)")
        }
    }

    fileprivate func disabledEndpoints() throws(SettingsProblem) -> Set<String> {
        var notices: [String] = []
        guard let document = document("firewall_rules", isSecret: false, &notices) else { return [] }
        guard let value = try? JSONValue(parsing: document.bytes),
            case .array(let paths)? = value["disabled_endpoints"]?["paths"]
        else { throw problem("firewall_rules", #"expected {"disabled_endpoints": {"paths": ["/path", ...]}}"#) }
        var result: Set<String> = []
        for (index, entry) in paths.enumerated() {
            guard case .string(let path) = entry, path.hasPrefix("/") else {
                throw problem("firewall_rules", "disabled_endpoints.paths[\(index)]: expected a path")
            }
            result.insert(path)
        }
        return result
    }

    /// Files may be shown; a text given in place holds the secrets themselves.
    fileprivate func shownPaths(_ flags: String...) -> [String: String] {
        var shown: [String: String] = [:]
        for flag in flags {
            guard let setting = settings[flag], !setting.text.isEmpty else { continue }
            shown[flag] = setting.contentPath ?? "(given in place)"
        }
        return shown
    }
}

extension TLSSettings {
    /// Flags, or else the environment of libprocess. Nil: no TLS.
    init?(_ settings: ResolvedSettings) throws(SettingsProblem) {
        var found = try TLSSettings.fromEnvironment(ProcessInfo.processInfo.environment) ?? TLSSettings()
        found.certificateFile = settings.text("tls_cert_file") ?? found.certificateFile
        found.keyFile = settings.text("tls_key_file") ?? found.keyFile
        found.caFile = settings.text("tls_ca_file") ?? found.caFile
        if settings.boolean("tls_require_client_cert") { found.requiresClientCertificate = true }
        guard (found.certificateFile == nil) == (found.keyFile == nil) else {
            throw SettingsProblem("--tls_cert_file and --tls_key_file go together")
        }
        if found.requiresClientCertificate, found.caFile == nil || found.certificateFile == nil {
            throw SettingsProblem("--tls_require_client_cert needs --tls_cert_file and --tls_ca_file")
        }
        guard found != TLSSettings() else { return nil }
        self = found
    }
}
