// A process that owns a ZooKeeper session, to be killed or frozen by the integration tests.
//
// Usage: zookeeper-holder SERVERS TIMEOUT_MS PATH. Creates PATH as an ephemeral znode and prints one line per event:
// `created SESSION`, then each change of the session's state. Closes the session and ends when its input does.

import Dispatch
import Glibc
import ZooKeeper

@main
struct ZooKeeperHolder {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let milliseconds = Int(arguments[2]) else {
            say("usage: zookeeper-holder SERVERS TIMEOUT_MS PATH")
            exit(2)
        }
        do {
            let session = try await ZooKeeperSession.open(
                servers: arguments[1].split(separator: ",").map(String.init), timeout: .milliseconds(milliseconds),
                probesContact: true
            ) { state in say(name(of: state)) }
            try await session.create(arguments[3], mode: .ephemeral, deadline: .seconds(10))
            say("created \(session.sessionID ?? 0)")
            await endOfInput()
            if let silence = session.silence { say("silence \(silence)") }
            await session.close()
        } catch {
            say("failed: \(error)")
            exit(1)
        }
    }

    private static func name(of state: SessionState) -> String {
        switch state {
        case .connecting: "connecting"
        case .connected: "connected"
        case .expired: "expired"
        case .authenticationFailed: "authentication failed"
        case .closed: "closed"
        }
    }

    private static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(1, bytes, bytes.count)
    }

    private static func endOfInput() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var byte: UInt8 = 0
                while read(0, &byte, 1) > 0 {}
                continuation.resume()
            }
        }
    }
}
