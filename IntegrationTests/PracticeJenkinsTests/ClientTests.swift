// The public Python clients, unmodified, accept the practice controller.
import IntegrationSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(8)))
struct ClientTests {
    @Test(arguments: [
        ("python_jenkins_client.py", "python-jenkins: done"), ("api4jenkins_client.py", "api4jenkins: done"),
        ("jenkinsapi_client.py", "jenkinsapi: done"),
    ])
    func `a client creates, builds, queues, drains and deletes`(script: String, lastLine: String) async throws {
        let clients = try await PythonClients.install("jenkins-requirements.txt")
        try await withAgentScript { agent in
            try await LiveController.lend { controller in
                let arguments = [
                    controller.url, LiveController.user, LiveController.token, agent, LiveController.password,
                ]
                let run = try await clients.run(script, arguments, within: .seconds(90))
                #expect(run.succeeded, "\(run)")
                #expect(run.output.split(separator: "\n").contains(Substring(lastLine)), "\(run)")
            }
        }
    }
}
