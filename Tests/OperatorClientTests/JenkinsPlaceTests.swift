// Where the Jenkins framework of a cluster answers.

import MesosProtocol
import Testing

@testable import OperatorClient

@Suite struct JenkinsPlaceTests {
    private func framework(
        _ name: String, _ page: String, host: String = "j1", isConnected: Bool = true
    ) throws -> [ClusterFramework] {
        let answer = try Documents.answer(
            #"""
            {"type":"GET_FRAMEWORKS","get_frameworks":{"frameworks":[{"framework_info":{"user":"u","name":"\#(name)",
            "id":{"value":"\#(name)-1"},"hostname":"\#(host)","webui_url":"\#(page)"},"active":\#(isConnected),
            "connected":\#(isConnected),"recovered":false}]}}
            """#)
        return try ClusterFramework.read(answer.getFrameworks)
    }

    private func problem(_ frameworks: [ClusterFramework]) -> String {
        do { return try JenkinsPlace.only(among: frameworks).url } catch { return "\(error)" }
    }

    @Test(arguments: [
        ("http://10.0.0.5:8081", "http://10.0.0.5:8081"),
        ("https://j.example.com:8081/status?x#y", "https://j.example.com:8081"),
        ("http://0.0.0.0:8081/", "http://j1:8081"), ("http://[::]:8081", "http://j1:8081"),
    ])
    func `it is where its web page is, on its own host if that is everywhere`(page: String, url: String) throws {
        #expect(
            try JenkinsPlace.only(among: framework("Jenkins demo", page) + framework("web", "http://w:1")).url == url)
    }

    @Test(arguments: ["", "javascript:alert(1)", "ftp://j:1", "http://", "http://user:pw@j:1", "http://j 1:1/"])
    func `what is no address of HTTP is not asked`(page: String) throws {
        #expect(
            problem(try framework("Jenkins", page))
                == "no framework of this cluster calls itself Jenkins and says where it "
                + "answers; name it with --url, or its configuration with --config")
    }

    @Test func `one that is gone is not asked, and of several one is to be chosen`() throws {
        #expect(problem(try framework("Jenkins", "http://j:1", isConnected: false)).hasPrefix("no framework"))
        #expect(
            problem(try framework("jenkins a", "http://a:1") + framework("Jenkins b\\u001b[2J", "http://b:1"))
                == #"2 frameworks of this cluster call themselves Jenkins: choose with --url, of Jenkins b\u{1B}[2J at http://b:1, jenkins a at http://a:1"#
        )
    }
}
