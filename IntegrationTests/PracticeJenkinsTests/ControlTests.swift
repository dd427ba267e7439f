// Faults that other tests ask the controller for, and its own history.
import Foundation
import HTTPClient
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ControlTests {
    private func events(_ controller: LiveController) async throws -> [[String: Any]] {
        let reply = try await controller.send("GET", "/standin/events")
        return try JSONSerialization.jsonObject(with: Data(reply.body)) as? [[String: Any]] ?? []
    }

    @Test func `a request can be carried out although its answer is late`() async throws {
        try await LiveController.lend { controller in
            try await controller.control("action=delay-answer&path=/computer/doCreateItem&seconds=2")
            var request = HTTPClientRequest(method: "POST", url: controller.url + "/computer/doCreateItem?name=n1")
            let credentials = Data("\(LiveController.user):\(LiveController.token)".utf8).base64EncodedString()
            request.url += "&type=hudson.slaves.DumbSlave&json=%7B%22numExecutors%22:1%7D"
            request.headers = [("Authorization", "Basic \(credentials)")]
            request.body = []
            request.totalTimeout = .milliseconds(300)
            await #expect(throws: HTTPClientError.self) { try await HTTPClient.shared.fetch(request) }
            #expect(try await controller.send("GET", "/computer/n1/api/json").status == 200)
            request.totalTimeout = .seconds(10)
            #expect(try await HTTPClient.shared.fetch(request).status == 400)
        }
    }

    @Test func `a path can be made to fail so many times`() async throws {
        try await LiveController.lend { controller in
            try await controller.control("action=fail&path=/queue&status=500&times=2")
            #expect(try await controller.send("GET", "/queue/api/json").status == 500)
            #expect(try await controller.send("GET", "/api/json").status == 200)
            #expect(try await controller.send("GET", "/queue/api/json").status == 500)
            #expect(try await controller.send("GET", "/queue/api/json").status == 200)
        }
    }

    @Test func `a request can be carried out although its connection breaks instead of an answer`() async throws {
        try await LiveController.lend { controller in
            try await controller.control("action=drop-answer&path=/computer/doCreateItem&method=POST")
            let path = "/computer/doCreateItem?name=n1&type=hudson.slaves.DumbSlave&json=%7B%22numExecutors%22:1%7D"
            await #expect(throws: HTTPClientError.self) { try await controller.send("POST", path) }
            #expect(try await controller.send("GET", "/computer/n1/api/json").status == 200)
            #expect(try await controller.send("POST", path).status == 400)
        }
    }

    @Test func `a fault of one method leaves the other alone, and healing ends faults and freezes`() async throws {
        try await LiveController.lend { controller in
            try await controller.control("action=fail&path=/api&status=503&method=POST&times=9")
            #expect(try await controller.send("GET", "/api/json").status == 200)
            #expect(try await controller.send("POST", "/api/json").status == 503)
            try await controller.control("action=freeze&seconds=300")
            try await controller.control("action=heal")
            #expect(try await controller.send("POST", "/api/json").status == 200)
        }
    }

    @Test func `a frozen controller answers later, and control still works`() async throws {
        try await LiveController.lend { controller in
            try await controller.control("action=freeze&seconds=1")
            let start = ContinuousClock.now
            try await controller.control("action=locale&value=de")
            #expect(try await controller.send("GET", "/api/json").status == 200)
            #expect(.now - start > .milliseconds(900))
        }
    }

    @Test func `the history holds requests and changes in order`() async throws {
        try await LiveController.lend { controller in
            _ = try await controller.createNode("n1")
            try await controller.send("POST", "/computer/n1/changeOfflineCause?offlineMessage=retire")
            try await controller.send("POST", "/computer/n1/doDelete")
            let events = try await events(controller)
            let changes = events.compactMap { $0["kind"] as? String }.filter { $0 != "request" }
            #expect(changes == ["nodeCreated", "nodeDrained", "nodeDeleted"])
            #expect(events.compactMap { $0["seq"] as? Int } == Array(1...events.count))
            #expect(
                events.contains { $0["target"] as? String == "/computer/n1/doDelete" && $0["status"] as? Int == 302 })
        }
    }

    @Test func `a build can slip in before a drain`() async throws {
        try await LiveController.lend { controller in
            try await controller.control("action=add-node&node=static&labels=practice&build=1sec")
            try await controller.createJob("late", command: "true")
            try await controller.control("action=build-on-drain&job=late")
            try await controller.send("POST", "/computer/static/changeOfflineCause?offlineMessage=retire")
            #expect(try await controller.value("idle", of: "/computer/static") == "false")
            #expect(try await controller.result("late") == "SUCCESS")
        }
    }

    @Test(arguments: [
        "action=none", "action=version&value=x", "action=fail&status=200", "action=drop-channel&node=none", "",
    ])
    func `a control that makes no sense is refused`(query: String) async throws {
        try await LiveController.lend { controller in
            let status = try await controller.send("POST", "/standin/control?\(query)").status
            #expect((400...404).contains(status))
        }
    }
}
