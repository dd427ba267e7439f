// A work directory with one sandbox in it and a secret beside it, and the API that shows sandboxes.

import Glibc
import HTTPServer

@testable import MiniAgent

struct SandboxFixture {
    let directory = TemporaryDirectory()
    var sandbox: String { "\(directory.path)/slaves/a1/frameworks/f1/executors/t1/runs/c1" }
    var api: FilesAPI { FilesAPI(files: SandboxFiles(paths: AgentPaths(workDirectory: directory.path))) }

    init() throws {
        try DurableFile.createDirectories("\(sandbox)/sub")
        try DurableFile.relink("\(directory.path)/slaves/latest", to: "a1")
        try DurableFile.relink("\(directory.path)/slaves/a1/frameworks/f1/executors/t1/runs/latest", to: "c1")
        try DurableFile.replace("\(sandbox)/stdout", with: Array("hello\n".utf8))
        try DurableFile.replace("\(directory.path)/secret", with: Array("secret".utf8))
    }

    func request(_ query: [(String, String)]) -> HTTPRequest {
        HTTPRequest(method: "GET", target: "/", path: "/", query: query.map { (name: $0.0, value: $0.1) })
    }

    func text(_ response: HTTPResponse) -> String {
        if case .bytes(let bytes) = response.body { return String(decoding: bytes, as: UTF8.self) }
        return ""
    }
}
