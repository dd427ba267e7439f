// Which realm a path belongs to, also when somebody tries to write it so that it looks like another.
import HTTPServer
import Testing

@testable import MiniMaster

@Suite struct RealmTests {
    @Test(
        arguments: [
            ("/health", nil), ("/master/health", nil), ("/version", nil), ("/redirect", nil), ("/health.json", nil),
            ("/state", .readOnly), ("/master/state", .readOnly), ("/master/state.json", .readOnly),
            ("/state/x", .readOnly),
            ("//state", .readOnly), ("/state.json/x", .readOnly), ("/files/read", .readOnly),
            ("/metrics/snapshot", .readOnly),
            ("/maintenance/status", .readOnly), ("/maintenance/schedule", .readWrite), ("/teardown", .readWrite),
            ("/api/v1", .readWrite), ("/api/v1/operator", .readWrite), ("/api/v1/scheduler", .scheduler),
            ("/master/api/v1/scheduler/", .scheduler), ("/api/v1/agent-link", .agentLink), ("/api", .readWrite),
            ("/unknown", .readWrite), ("/master/master/health", .readWrite), ("/health/../state", .readWrite),
            ("/", nil), ("/healthy", .readWrite),
        ] as [(String, MasterRealm?)])
    func `paths fall into the realms of Mesos, unknown ones into the stricter`(path: String, realm: MasterRealm?) {
        #expect(MasterRealm.of(path) == realm)
    }

    @Test func `every route has the realm its path is judged by, however the path is written`() {
        for route in Route.allCases {
            let realm = MasterRealm.of(route.rawValue)
            for path in [
                "/master\(route.rawValue)", "/\(route.rawValue)", "\(route.rawValue)/", "\(route.rawValue).json",
            ]
            where Route.find(path) != nil {
                #expect(MasterRealm.of(path) == realm, "\(path)")
            }
            if let match = Route.find(route.rawValue + ".json/x") {
                #expect(MasterRealm.of(route.rawValue + ".json/x") == MasterRealm.of(match.route.rawValue))
            }
        }
    }

    @Test func `scheduler calls and changes are limited in rate, reads are not`() {
        func isLimited(_ method: String, _ path: String) -> Bool {
            MasterRealm.isLimited(HTTPRequest(method: method, target: path, path: path))
        }
        #expect(
            isLimited("POST", "/api/v1/scheduler") && isLimited("POST", "/teardown") && isLimited("PUT", "/weights"))
        #expect(
            !isLimited("GET", "/weights") && !isLimited("GET", "/state") && !isLimited("POST", "/api/v1/agent-link"))
    }
}
