// The task's stdout and stderr, read from the agent as they grow and printed here.

import Foundation
import HTTPClient
import Mailbox

/// Follows the two files of one sandbox.
final class SandboxOutput: Sendable {
    private let files: [SandboxFile]
    private let following = Locked<[Task<Void, Never>]>([])

    init(sandbox: Sandbox, http: HTTPClient, credentials: (principal: String, secret: String)?) {
        let authorization = credentials.map { principal, secret in
            "Basic " + Data("\(principal):\(secret)".utf8).base64EncodedString()
        }
        let streams: [(String, FileHandle)] = [("stdout", .standardOutput), ("stderr", .standardError)]
        files = streams.map { name, output in
            SandboxFile(sandbox: sandbox, name: name, output: output, http: http, authorization: authorization)
        }
    }

    func start() {
        following.withLock { tasks in
            tasks = files.map { file in
                Task {
                    while !Task.isCancelled {
                        if await file.copyMore() != .copied { try? await Task.sleep(for: .milliseconds(100)) }
                    }
                }
            }
        }
    }

    /// Stops following and prints what is left.
    ///
    /// - Returns: Whether everything was printed; `false` if the agent did not answer for `patience`.
    func drain(patience: Duration = .seconds(10)) async -> Bool {
        let tasks = following.withLock { $0 }
        tasks.forEach { $0.cancel() }
        for task in tasks { await task.value }
        for file in files {
            var deadline = ContinuousClock.now + patience
            reading: while true {
                switch await file.copyMore() {
                case .copied: deadline = .now + patience
                case .nothingNew: break reading
                case .failed:
                    guard .now < deadline else { return false }
                    try? await Task.sleep(for: .milliseconds(100))
                }
            }
        }
        return true
    }
}

/// One file of a sandbox, read from where the last reading ended.
private actor SandboxFile {
    enum Progress {
        case copied
        /// The file holds no more than what was copied.
        case nothingNew
        /// The agent did not answer, or not as expected.
        case failed
    }

    private let url: String
    private let output: FileHandle
    private let http: HTTPClient
    private let authorization: String?
    private var offset = 0
    private let partBytesMax = 1 << 20

    init(sandbox: Sandbox, name: String, output: FileHandle, http: HTTPClient, authorization: String?) {
        let path = "\(sandbox.path)/\(name)".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        // Not /files/read, which speaks JSON and cannot carry bytes that are no text.
        url = "\(sandbox.agentURL)/files/download?path=\(path)"
        self.output = output
        self.http = http
        self.authorization = authorization
    }

    func copyMore() async -> Progress {
        var request = HTTPClientRequest(method: "GET", url: url)
        request.headers = [("Range", "bytes=\(offset)-\(offset + partBytesMax - 1)")]
        if let authorization { request.headers.append(("Authorization", authorization)) }
        request.totalTimeout = .seconds(5)
        guard let reply = try? await http.fetch(request) else { return .failed }
        switch reply.status {
        case 206:
            // A reader that went away, as `head` does, is no reason to stop: the exit status still matters.
            try? output.write(contentsOf: reply.body)
            offset += reply.body.count
            return reply.body.isEmpty ? .nothingNew : .copied
        case 404, 416: return .nothingNew
        default: return .failed
        }
    }
}
