// `/roles/explain` and `/weights/preview` over HTTP, and where a framework that hoards offers is named.
import Allocator
import HTTPClient
import HTTPServer
import MesosProtocol
import Resources
import Security
import Testing

@testable import MiniMaster

@Suite(.timeLimit(.minutes(2))) struct RoleExplanationTests {
    private static func subscribe(_ master: RunningMaster, role: String) async throws -> RecordReader {
        let info = #"{"user":"root","name":"build","roles":["\#(role)"],"capabilities":[{"type":"MULTI_ROLE"}]}"#
        let stream = try await master.stream(
            "/api/v1/scheduler", Array(#"{"type":"SUBSCRIBE","subscribe":{"framework_info":\#(info)}}"#.utf8),
            headers: [("Content-Type", "application/json")])
        var records = RecordReader(stream)
        _ = try await records.next()
        return records
    }

    private static func rows(_ value: JSONValue?) -> [JSONValue] {
        if case .array(let rows) = value { rows } else { [] }
    }

    @Test func `a role is explained with every framework in it or below it`() async throws {
        try await RunningMaster.with { master in
            let records = try await Self.subscribe(master, role: "eng/ci")
            for path in [
                "/roles/explain?role=eng/ci", "/master/roles/explain?role=eng", "/roles/explain?role=eng%2Fci",
            ] {
                let reply = try await master.get(path)
                #expect(reply.status == 200, "\(path)")
                let answer = try JSONValue(parsing: reply.body)
                let frameworks = Self.rows(answer["frameworks"])
                #expect(frameworks.count == 1)
                #expect(frameworks.first?["name"] == .string("build"))
                #expect(frameworks.first?["role"] == .string("eng/ci"))
                #expect(frameworks.first?["standing"] == .string("hungry"))
                #expect(answer["agents"] == answer["agents_looked_at"] && answer["agents"] != nil)
                #expect(frameworks.first?["reasons"] != nil && frameworks.first?["decisions"] != nil)
            }
            withExtendedLifetime(records) {}
        }
    }

    @Test(arguments: [
        ("/roles/explain", 400, "Missing 'role' query parameter."), ("/roles/explain?role=", 400, "role: "),
        ("/roles/explain?role=-x", 400, "role: "), ("/roles/explain?role=a//b", 400, "role: "),
        ("/roles/explain?role=nobody", 404, "No framework is subscribed to role 'nobody'"),
        ("/weights/preview", 400, "Missing 'weights' query parameter"),
        ("/weights/preview?weights=", 400, "weights: expected role=weight"),
        ("/weights/preview?weights=a", 400, "weights: expected role=weight with a weight above 0, found 'a'"),
        ("/weights/preview?weights=a=0", 400, "weights: "), ("/weights/preview?weights=a=-1", 400, "weights: "),
        ("/weights/preview?weights=a=nan", 400, "weights: "), ("/weights/preview?weights=-a=1", 400, "weights: "),
        ("/weights/preview?weights=a=1,b", 400, "found 'b'"),
    ])
    func `a question that makes no sense is refused with what is wrong`(path: String, status: Int, text: String)
        async throws
    {
        try await RunningMaster.with { master in
            let reply = try await master.get(path)
            #expect(reply.status == status)
            #expect(reply.text.contains(text), "\(reply.text)")
        }
    }

    @Test func `a preview says what every role would hold, and changes nothing`() async throws {
        try await RunningMaster.with { master in
            let (one, two) = (
                try await Self.subscribe(master, role: "dev"), try await Self.subscribe(master, role: "ops")
            )
            let reply = try await master.get("/weights/preview?weights=dev=3")
            #expect(reply.status == 200)
            let rows = Self.rows(try JSONValue(parsing: reply.body)["roles"])
            #expect(rows.map { $0["role"] } == [.string("dev"), .string("ops")])
            let numbers = rows.map { row -> [Double?] in
                ["weight", "new_weight"].map { key in
                    if case .number(let number) = row[key] { number.doubleValue } else { nil }
                }
            }
            #expect(numbers == [[1, 3], [1, 1]])
            #expect(try await master.get("/weights").text == "[]")
            withExtendedLifetime((one, two)) {}
        }
    }

    @Test(arguments: ["/roles/explain?role=dev", "/weights/preview?weights=dev=2"])
    func `only GET is answered`(path: String) async throws {
        try await RunningMaster.with { master in
            let reply = try await master.post(path, "{}")
            #expect(reply.status == 405)
            #expect(reply.header("Allow") == "GET")
        }
    }

    @Test func `who may not view a role learns nothing about it`() async throws {
        try await RunningMaster.with { configuration in
            configuration.security.acls = AccessControlList(rules: [
                .viewRoles: [
                    .init(subjects: .any, objects: .some(["dev"])), .init(subjects: .any, objects: .none),
                ]
            ])
        } _: { master in
            let (one, two) = (
                try await Self.subscribe(master, role: "dev"), try await Self.subscribe(master, role: "secret")
            )
            let hidden = try await master.get("/roles/explain?role=secret")
            #expect(hidden.status == 403)
            #expect(hidden.text == "")
            #expect(try await master.get("/roles/explain?role=dev").status == 200)
            let preview = try await master.get("/weights/preview?weights=secret=5")
            #expect(preview.status == 200)
            #expect(preview.text.contains(#""dev""#) && !preview.text.contains("secret"))
            withExtendedLifetime((one, two)) {}
        }
    }

    @Test(arguments: ["/roles/explain", "/weights/preview", "/master/roles/explain", "/master/weights/preview"])
    func `a master that asks readers who they are asks here as well`(path: String) {
        #expect(MasterRealm.of(path) == .readOnly)
    }

    @Test(arguments: ["/roles/explain?role=eng/ci", "/weights/preview?weights=a=2,b=3"])
    func `a standby sends the question on to the leader`(path: String) throws {
        let route = try #require(Route.find(String(path.prefix { $0 != "?" }))?.route)
        #expect(route.needsLeader)
        let request = RoutedRequest(http: HTTPRequest(method: "GET", target: path, path: path), route: route)
        let leader = MasterConversation.info("leader", port: 5051)
        let answer = try #require(MasterAPI.refusal(by: .following(leader), request))
        #expect(answer.status == 307)
        #expect(answer.headers.first { $0.0 == "Location" }?.1.hasSuffix(":5051/master\(path)") == true)
        #expect(MasterAPI.refusal(by: .recovering, request)?.status == 503)
        #expect(MasterAPI.refusal(by: .unavailable("No leader elected"), request)?.status == 503)
    }

    @Test func `a framework that lets offers expire is named in its role's explanation and in the state document`()
        throws
    {
        var settings = MasterSettings()
        settings.offerTimeout = .seconds(20)
        var talk = MasterConversation(settings: settings)
        let pair = talk.pair()
        let role = try RoleName("dev")
        func documents() throws -> (explained: JSONValue?, state: JSONValue?, frameworks: JSONValue?) {
            let cluster = try #require(talk.core.cluster)
            let facts = MasterFacts(
                configuration: MasterConfiguration(workDir: "/var/lib/mini"), selfInfo: talk.core.selfInfo,
                build: BuildInfo(), startedAt: talk.now.wall)
            var json = JSONWriter()
            json.explanation(try #require(cluster.allocator.explain(role)), of: cluster, at: talk.now)
            let state = StateDocuments(cluster, facts)
            return (
                Self.rows(try JSONValue(parsing: json.bytes)["frameworks"]).first?["offers_expired"],
                Self.rows(try JSONValue(parsing: state.state())["frameworks"]).first?["mini_offers_expired"],
                Self.rows(try JSONValue(parsing: state.frameworks(only: pair.framework))["frameworks"])
                    .first?["mini_offers_expired"]
            )
        }
        let before = try documents()
        #expect(before.explained == .number(.integer(0)))
        #expect(before.state == nil && before.frameworks == nil)
        talk.drain()
        talk.pass(.seconds(61))
        let after = try documents()
        #expect(after.explained == .number(.integer(3)))
        #expect(after.state == .number(.integer(3)))
        #expect(after.frameworks == .number(.integer(3)))
    }
}
