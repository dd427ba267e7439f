// The task's stdout and stderr, read from the agent as they grow and printed here.

import Foundation
import HTTPClient
import Mailbox

/// Follows the two files of one sandbox.
final class SandboxOutput: Sendable {
    private let files: [SandboxFile]
    private let following = Locked<[Task<Void, Never>]>([])

    init(sandbox: Sandbox) {
        files = [
            SandboxFile(sandbox: sandbox, name: "stdout", output: .standardOutput),
            SandboxFile(sandbox: sandbox, name: "stderr", output: .standardError),
        ]
    }

    func start() {
        following.withLock { tasks in
            tasks = files.map { file in
                Task {
                    while !Task.isCancelled {
                        let sawMore = await file.copyMore()
                        if !sawMore { try? await Task.sleep(for: .milliseconds(100)) }
                    }
                }
            }
        }
    }

    /// Stops following and prints what is left; gives up on an agent that does not answer.
    func drain() async {
        let tasks = following.withLock { $0 }
        tasks.forEach { $0.cancel() }
        for task in tasks { await task.value }
        for file in files { while await file.copyMore() {} }
    }
}

/// One file of a sandbox, read from where the last reading ended.
private actor SandboxFile {
    private let url: String
    private let output: FileHandle
    private var offset = 0
    private let lengthMax = 1 << 16

    init(sandbox: Sandbox, name: String, output: FileHandle) {
        let path = "\(sandbox.path)/\(name)".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        url = "\(sandbox.agentURL)/files/read?path=\(path)&length=\(lengthMax)"
        self.output = output
    }

    /// - Returns: Whether there was anything new.
    func copyMore() async -> Bool {
        var request = HTTPClientRequest(method: "GET", url: "\(url)&offset=\(offset)")
        request.totalTimeout = .seconds(5)
        guard let reply = try? await HTTPClient.shared.fetch(request), reply.status == 200,
            let object = try? JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any],
            let text = object["data"] as? String, !text.isEmpty
        else { return false }
        let data = Data(text.utf8)
        try? output.write(contentsOf: data)
        offset += data.count
        return true
    }
}
