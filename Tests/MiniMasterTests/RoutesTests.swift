// Which path leads where, with which method.
import HTTPServer
import Testing

@testable import MiniMaster

struct RoutesTests {
    @Test(arguments: [
        ("/state", Route.state), ("/master/state", .state), ("/master/state/", .state), ("/state.json", .state),
        ("/master/state.json", .state), ("/slaves.json", .slaves), ("/metrics/snapshot.json", .metrics),
        ("/system/stats.json", .systemStats), ("/api/v1", .operatorAPI), ("/master/api/v1", .operatorAPI),
        ("/api/v1/operator", .operatorAPI), ("/api/v1/scheduler", .schedulerAPI), ("/master/frameworks/", .frameworks),
        ("/registrar(1)/registry", .registry), ("/files/browse", .filesBrowse), ("/logging/toggle", .loggingToggle),
        ("/", .root), ("/master", .root), ("//master//tasks", .tasks), ("/maintenance/status", .maintenanceStatus),
        ("/state/anything/else", .state),
    ])
    func `a path leads to the longest route it begins with`(path: String, route: Route) {
        #expect(Route.find(path)?.route == route)
    }

    @Test func `what is left of a path belongs to its route`() {
        #expect(Route.find("/quota/dev/web") == Route.Match(route: .quota, rest: ["dev", "web"]))
        #expect(Route.find("/master/quota/a.json") == Route.Match(route: .quota, rest: ["a.json"]))
        #expect(Route.find("/quota.json") == Route.Match(route: .quota, rest: []))
    }

    @Test(arguments: [
        "/nope", "/api", "/redirect/x", "/state/../flags", "/..", "/system", "/system/stats", "/machine",
    ])
    func `other paths lead nowhere`(path: String) {
        #expect(Route.find(path) == nil)
    }

    @Test func `every route is found by its own path, with and without the prefix`() {
        for route in Route.allCases {
            #expect(Route.find(route.rawValue)?.route == route)
            #expect(Route.find("/master" + route.rawValue)?.route == route)
        }
    }

    private func request(_ method: String, _ target: String, _ route: Route) -> RoutedRequest {
        RoutedRequest(http: HTTPRequest(method: method, target: target, path: target), route: route)
    }

    @Test func `a wrong method is refused with the list of right ones`() {
        let refusal = request("GET", "/teardown", .teardown).methodRefusal
        #expect(refusal?.status == 405)
        #expect(refusal?.headers.contains { $0 == ("Allow", "POST") } == true)
        let three = request("PATCH", "/quota", .quota).methodRefusal
        #expect(three?.headers.contains { $0 == ("Allow", "GET, POST, DELETE") } == true)
        #expect(request("HEAD", "/weights", .weights).methodRefusal == nil)
        #expect(request("OPTIONS", "/state", .state).methodRefusal == nil)
    }

    @Test func `the leader is asked for what was asked here`() {
        #expect(request("GET", "/state?jsonp=a%20b", .state).pathAtLeader == "/master/state?jsonp=a%20b")
        #expect(request("GET", "/master/tasks?limit=1", .tasks).pathAtLeader == "/master/tasks?limit=1")
        #expect(request("POST", "/api/v1#x", .operatorAPI).pathAtLeader.hasPrefix("/master/api/v1"))
        #expect(request("GET", "http://h/state", .state).pathAtLeader == "/master/state")
    }

    @Test func `every route that tells or changes something about the cluster needs credentials and the leader`() {
        for route in Route.allCases where route.realm == nil { #expect(!route.needsLeader) }
        for route in Route.allCases where route.hasVersion { #expect(route.needsLeader) }
    }
}
