// The site as a client sees it: rights, crumbs, status codes, and garbage.
import Testing

@testable import PracticeJenkins

/// A site with one administrator and one user who may only look, and requests to it.
struct Browser {
    var site: Site
    var now = PracticeTime(milliseconds: 5_000_000)
    /// `name:secret`, base64-encoded.
    var credentials: String? = Browser.token
    var cookie: String?
    var crumb: String?

    static let token = "YW5uOnRva2Vu"  // ann:token
    static let password = "YW5uOnBhc3N3b3Jk"  // ann:password
    static let reader = "Ym9iOnBhc3N3b3Jk"  // bob:password

    init() {
        site = Site(
            settings: ControllerSettings(key: Array("test key".utf8)),
            users: [
                PracticeUser(name: "ann", password: "password", token: "token"),
                PracticeUser(name: "bob", password: "password", permissions: [.read, .jobRead]),
            ], anonymousCanRead: false)
    }

    mutating func send(
        _ method: String, _ path: String, query: [(String, String)] = [], body: String = "",
        contentType: String = "application/x-www-form-urlencoded"
    ) -> Answer {
        let request = SiteRequest(
            method: method, path: path, query: query.map { .init(name: $0.0, value: $0.1) }, contentType: contentType,
            authorization: credentials.map { "Basic \($0)" }, cookies: cookie.map { [$0] } ?? [], crumb: crumb,
            host: "ci.example:8080", body: Array(body.utf8))
        guard case .answer(let answer) = site.handle(request, at: now).0 else { return Answer(status: -1) }
        return answer
    }

    mutating func get(_ path: String, tree: String? = nil) -> Answer {
        send("GET", path, query: tree.map { [("tree", $0)] } ?? [])
    }

    mutating func post(_ path: String, _ query: (String, String)..., body: String = "") -> Answer {
        send("POST", path, query: query, body: body)
    }

    mutating func createNode(_ name: String, json: String = #"{"numExecutors":1,"labelString":"linux"}"#) -> Answer {
        post("/computer/doCreateItem", ("name", name), ("type", "hudson.slaves.DumbSlave"), ("json", json))
    }

    mutating func createJob(_ name: String, label: String = "linux") -> Answer {
        let xml = "<project><assignedNode>\(label)</assignedNode><canRoam>false</canRoam></project>"
        return send("POST", "/createItem", query: [("name", name)], body: xml, contentType: "application/xml")
    }
}

extension Answer {
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSONValue { JSONValue.parse(body) ?? .null }
}

struct SiteTests {
    @Test func `every answer names the version and the session`() {
        var browser = Browser()
        for path in ["/", "/nowhere", "/api/json"] {
            let answer = browser.get(path)
            #expect(answer.header("X-Jenkins") == "2.504.1")
            #expect(answer.header("X-Jenkins-Session")?.count == 8)
        }
        let before = browser.get("/login").header("X-Jenkins-Session")
        _ = browser.site.restart(at: browser.now)
        #expect(browser.get("/login").header("X-Jenkins-Session") != before)
    }

    @Test func `anonymous may see the login page only`() {
        var browser = Browser()
        browser.credentials = nil
        #expect(browser.get("/login").status == 200)
        #expect(browser.get("/tcpSlaveAgentListener/").status == 404)
        let answer = browser.get("/api/json")
        #expect(answer.status == 403)
        #expect(answer.header("X-You-Are-Authenticated-As") == "anonymous")
        #expect(answer.header("X-Required-Permission") == "hudson.model.Hudson.Read")
        #expect(answer.header("X-Permission-Implied-By") == "hudson.model.Hudson.Administer")
        #expect(answer.header("X-Jenkins") != nil)
    }

    @Test(arguments: ["d3Jvbmc6d3Jvbmc=", "%%%", "bm9jb2xvbg=="])
    func `wrong credentials are 401`(credentials: String) {
        var browser = Browser()
        browser.credentials = credentials
        #expect(browser.get("/api/json").status == 401)
    }

    @Test func `a missing right is named`() {
        var browser = Browser()
        _ = browser.createNode("n1")
        browser.credentials = Browser.reader
        _ = browser.get("/crumbIssuer/api/json")
        browser.cookie = browser.get("/crumbIssuer/api/json").header("Set-Cookie")
        browser.crumb = browser.get("/crumbIssuer/api/json").json["crumb"]?.text
        let answer = browser.post("/computer/n1/doDelete")
        #expect(answer.status == 403)
        #expect(answer.header("X-Required-Permission") == "hudson.model.Computer.Delete")
    }

    @Test func `a token needs no crumb, a password needs one from its own session`() {
        var browser = Browser()
        #expect(browser.createNode("by-token").status == 302)

        browser.credentials = Browser.password
        #expect(browser.createNode("refused").status == 403)
        let issued = browser.get("/crumbIssuer/api/json")
        #expect(issued.json["crumbRequestField"] == .string("Jenkins-Crumb"))
        browser.crumb = issued.json["crumb"]?.text
        #expect(browser.createNode("refused").status == 403)
        browser.cookie = issued.header("Set-Cookie")
        #expect(browser.createNode("by-password").status == 302)

        browser.site.access.expireCrumbs()
        #expect(browser.createNode("expired").status == 403)
        browser.crumb = browser.get("/crumbIssuer/api/json").json["crumb"]?.text
        #expect(browser.createNode("renewed").status == 302)
        _ = browser.site.restart(at: browser.now)
        #expect(browser.createNode("restarted").status == 403)
    }

    @Test func `a crumb of somebody else is refused`() {
        var browser = Browser()
        browser.credentials = Browser.reader
        let issued = browser.get("/crumbIssuer/api/json")
        (browser.crumb, browser.cookie) = (issued.json["crumb"]?.text, issued.header("Set-Cookie"))
        browser.credentials = Browser.password
        #expect(browser.createNode("n1").status == 403)
    }

    @Test func `a legacy crumb needs no session`() {
        var browser = Browser()
        browser.site.access.usesLegacyCrumb = true
        browser.credentials = Browser.password
        let issued = browser.get("/crumbIssuer/api/json")
        #expect(issued.json["crumbRequestField"] == .string(".crumb"))
        browser.crumb = issued.json["crumb"]?.text
        #expect(browser.createNode("n1").status == 302)
    }

    @Test func `a GET on an action is 405 with Allow, except where the verb is part of the routing`() {
        var browser = Browser()
        _ = browser.createNode("n1")
        _ = browser.createJob("app")
        for path in ["/computer/n1/toggleOffline", "/computer/n1/doDelete", "/job/app/build", "/queue/cancelItem"] {
            let answer = browser.get(path)
            #expect(answer.status == 405, "\(path)")
            #expect(answer.header("Allow") == "POST")
        }
        #expect(browser.get("/computer/doCreateItem").status == 404)
    }

    @Test func `the query wins over the form body`() {
        var browser = Browser()
        let answer = browser.send(
            "POST", "/computer/doCreateItem",
            query: [
                ("name", "n1"), ("type", "hudson.slaves.DumbSlave$DescriptorImpl"), ("json", #"{"numExecutors":2}"#),
            ],
            body: "json=name%3Dgarbage&name=other")
        #expect(answer.status == 302)
        #expect(answer.header("Location") == "http://ci.example:8080/computer/")
        #expect(browser.site.controller.nodes["n1"]?.executors.count == 2)
    }

    @Test func `errors of the user are 400 with X-Error`() {
        var browser = Browser()
        _ = browser.createNode("n1")
        _ = browser.createJob("app")
        let answers = [
            browser.createNode("n1"), browser.createNode("a/b"), browser.createNode("n2", json: "[]"),
            browser.createNode("n3", json: "{"), browser.createJob("app"), browser.createJob("a?b"),
            browser.post("/computer/doCreateItem", ("name", "n4")),
            browser.post("/computer/createItem", ("name", "n5"), body: "<slave/>"),
            browser.post("/createItem", ("name", "x"), body: "<nonsense"),
            browser.get("/api/json", tree: "jobs[name"), browser.post("/job/app/build", ("delay", "soon")),
        ]
        for (index, answer) in answers.enumerated() {
            #expect(answer.status == 400, "\(index)")
            #expect(answer.header("X-Error")?.isEmpty == false, "\(index)")
        }
    }

    @Test(arguments: [
        "/job", "/job/none", "/job/none/api/json", "/job//build", "/computer/none/doDelete", "/queue/item/x/api/json",
        "/queue/item/99999999999999999999/api/json", "/user/nobody/api/json", "/label", "/standin", "/standin/x",
        "/computer/n/executors/9/api/json", "/a/b/c/d/e/f/g", "/api/json/extra",
    ])
    func `what does not exist is 404`(path: String) {
        var browser = Browser()
        #expect(browser.get(path).status == 404)
    }

    @Test func `a build request answers where its item is, and the item leads to the build`() {
        var browser = Browser()
        _ = browser.createJob("app")
        let answer = browser.post("/job/app/build")
        #expect(answer.status == 201)
        #expect(answer.header("Location") == "http://ci.example:8080/queue/item/1/")
        let item = browser.get("/queue/item/1/api/json").json
        #expect(item["_class"] == .string("hudson.model.Queue$WaitingItem"))
        #expect(item["url"] == .string("queue/item/1/"))
        let tree = "items[id,why,task[name,labelExpression]]"
        #expect(
            browser.get("/queue/api/json", tree: tree).text
                == #"{"_class":"hudson.model.Queue","items":[{"_class":"hudson.model.Queue$WaitingItem","id":1,"#
                + #""task":{"_class":"hudson.model.FreeStyleProject","name":"app","labelExpression":"linux"},"#
                + #""why":"In the quiet period. Expires in 0.30 sec"}]}"#)
        #expect(browser.post("/queue/cancelItem", ("id", "1")).status == 204)
        #expect(browser.post("/queue/cancelItem", ("id", "1")).status == 422)
        #expect(browser.post("/queue/cancelItem", ("id", "7")).status == 404)
        #expect(browser.get("/queue/item/1/api/json").json["cancelled"] == .bool(true))
    }

    @Test func `jobs a user may not read are stubs in the queue`() {
        var browser = Browser()
        _ = browser.createJob("app")
        _ = browser.post("/job/app/build")
        browser.site.access.hidesJobs = true
        let queue = browser.get("/queue/api/json", tree: "discoverableItems[task[name]],items[id]").json
        #expect(queue["items"] == .array([]))
        #expect(
            queue["discoverableItems"]
                == .array([
                    .members([
                        "_class": .string("hudson.model.Queue$StubItem"), "task": .members(["name": .string("app")]),
                    ])
                ]))
        #expect(browser.get("/job/app/api/json").status == 404)
    }

    @Test func `a node shows what the clients need of it`() {
        var browser = Browser()
        _ = browser.createNode("n1")
        let node = browser.get("/computer/n1/api/json").json
        for key in [
            "displayName", "description", "assignedLabels", "idle", "offline", "offlineCause", "offlineCauseReason",
            "temporarilyOffline", "icon", "iconClassName", "jnlpAgent", "launchSupported", "manualLaunchAllowed",
            "numExecutors", "executors", "oneOffExecutors", "monitorData", "loadStatistics",
        ] {
            #expect(node[key] != nil, "\(key)")
        }
        #expect(node["assignedLabels"] == .array(["linux", "n1"].map { .members(["name": .string($0)]) }))
        #expect(browser.post("/computer/n1/changeOfflineCause", ("offlineMessage", "retire")).status == 302)
        #expect(browser.get("/computer/n1/api/json").json["offlineCauseReason"] == .string("retire"))
    }

    @Test func `the agent file names secret and node first and is never encrypted`() {
        var browser = Browser()
        _ = browser.createNode("n1")
        let answer = browser.get("/computer/n1/jenkins-agent.jnlp")
        let secret = browser.site.controller.secret(ofNode: "n1")
        #expect(answer.text.contains("<argument>\(secret)</argument>\n    <argument>n1</argument>"))
        #expect(browser.send("GET", "/computer/n1/slave-agent.jnlp", query: [("encrypt", "true")]).status == 501)
    }

    @Test func `older lines lack what they lacked`() {
        var browser = Browser()
        _ = browser.createNode("n1")
        browser.site.version = ControllerVersion(2, 150, 1)
        #expect(browser.get("/computer/n1/jenkins-agent.jnlp").status == 404)
        #expect(browser.get("/computer/n1/slave-agent.jnlp").status == 200)
        #expect(browser.post("/queue/cancelItem", ("id", "1")).status == 302)
        browser.site.version = ControllerVersion(2, 541, 1)
        #expect(
            browser.post("/computer/createItem", ("name", "n5"), body: "<slave><numExecutors>1</numExecutors></slave>")
                .status == 200)
    }

    @Test func `a label page evaluates expressions`() {
        var browser = Browser()
        _ = browser.createNode("n1")
        _ = browser.createJob("app", label: "linux &amp;&amp; !mac")
        let label = browser.get("/label/linux&&!mac/api/json").json
        #expect(label["offline"] == .bool(true))
        #expect(
            label["nodes"]
                == .array([.members(["_class": .string("hudson.slaves.DumbSlave"), "nodeName": .string("n1")])]))
        guard case .array(let tied)? = label["tiedJobs"] else {
            Issue.record("no tiedJobs")
            return
        }
        #expect(tied.first?["name"] == .string("app"))
    }
}

struct AgentProtocolTests {
    private func connected() -> (Browser, cookie: String) {
        var browser = Browser()
        _ = browser.createNode("n1")
        let secret = browser.site.controller.secret(ofNode: "n1")
        browser.credentials = nil
        let answer = browser.post("/standin/agent/connect", ("name", "n1"), ("secret", secret))
        return (browser, answer.text.trimmingBlanks())
    }

    @Test func `whoever asks is given the agent's script`() {
        var browser = Browser()
        browser.credentials = nil
        let answer = browser.get("/standin/agent.sh")
        #expect(answer.status == 200)
        #expect(answer.text == PracticeAgentScript.text)
    }

    @Test func `an agent connects, gets its build, reports output and end`() {
        var (browser, cookie) = connected()
        browser.credentials = Browser.token
        _ = browser.createJob("app")
        _ = browser.post("/job/app/build", ("delay", "0"))
        browser.now = browser.now.advanced(byMilliseconds: 60)
        _ = browser.site.controller.step(.timePassed, at: browser.now)
        browser.credentials = nil
        let command = browser.send("GET", "/standin/agent/next", query: [("cookie", cookie), ("after", "0")])
        #expect(command.text.hasPrefix("run app 1 1\nexport BUILD_NUMBER='1'\n"))
        let run = [("cookie", cookie), ("job", "app"), ("build", "1")]
        // Raw output is no form, whatever the HTTP client calls it.
        let logged = browser.send("POST", "/standin/agent/log", query: run + [("at", "0")], body: "100%\n&a=b")
        #expect(logged.status == 200)
        #expect(browser.send("POST", "/standin/agent/done", query: run + [("rc", "0")]).status == 200)
        browser.credentials = Browser.token
        #expect(browser.get("/job/app/1/consoleText").text.hasSuffix("100%\n&a=bFinished: SUCCESS\n"))
        #expect(browser.get("/job/app/1/logText/progressiveText").header("X-More-Data") == nil)
    }

    @Test func `refusals of agents can be told apart`() {
        var (browser, cookie) = connected()
        let unknown = browser.post("/standin/agent/connect", ("name", "nobody"), ("secret", "x"))
        #expect(unknown.status == 400)
        #expect(unknown.header("X-Error") == "unknown node")
        #expect(browser.post("/standin/agent/connect", ("name", "n1"), ("secret", "x")).status == 403)
        let secret = browser.site.controller.secret(ofNode: "n1")
        let taken = browser.post("/standin/agent/connect", ("name", "n1"), ("secret", secret))
        #expect(taken.status == 400)
        #expect(taken.header("X-Error")?.contains("already connected") == true)
        #expect(browser.send("GET", "/standin/agent/next", query: [("cookie", "stale")]).status == 409)
        #expect(browser.post("/standin/agent/bye", ("cookie", cookie)).status == 200)
        #expect(browser.post("/standin/agent/bye", ("cookie", cookie)).status == 409)
    }

    @Test(arguments: [
        ("log", "x"), ("log", "1.2.3"), ("log", ""), ("done", "1"), ("done", "-1.-1"), ("log", "1.-2"),
    ])
    func `garbage from agents is 400`(call: String, build: String) {
        var (browser, cookie) = connected()
        let answer = browser.post("/standin/agent/\(call)", ("cookie", cookie), ("job", "app"), ("build", build))
        #expect(answer.status == 400)
    }

    @Test func `an idle agent waits`() {
        var (browser, cookie) = connected()
        let answer = browser.send("GET", "/standin/agent/next", query: [("cookie", cookie)])
        #expect(answer.status == -1)
    }
}
