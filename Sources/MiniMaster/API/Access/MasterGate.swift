// The gate of a master: its realms, each with what its flags ask for.
import HTTPAccess
import Security

enum MasterGate {
    static func make(_ security: MasterSecurity, refusals: RefusalLog) -> HTTPGate {
        let realms: [(MasterRealm, isEnabled: Bool)] = [
            (.scheduler, security.authenticatesFrameworks), (.agentLink, security.authenticatesAgents),
            (.readOnly, security.authenticatesReadOnly), (.readWrite, security.authenticatesReadWrite),
        ]
        let authenticators = realms.filter(\.isEnabled).map { realm, _ in
            BasicAuthenticator(realm: realm.rawValue, credentials: security.credentials ?? Credentials())
        }
        return HTTPGate(
            realm: { MasterRealm.of($0)?.rawValue }, authenticators: authenticators,
            disabled: security.disabledEndpoints, components: { MasterRealm.components(of: $0) }, refusals: refusals)
    }
}
