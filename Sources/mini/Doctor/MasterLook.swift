// Finds the masters that an agent of this host would use, and compares clocks with them.

import Foundation
import HTTPClient
import MasterDetection
import ZooKeeper

enum MasterLook {
    /// Asks the master directly, or each ZooKeeper server and then whoever leads.
    static func look(_ location: MasterLocation, isSecure: Bool, into facts: inout HostFacts) async {
        switch location {
        case .address(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            facts.masters = [await ask("\(isSecure ? "https" : "http")://\(name):\(port)")]
        case .zooKeeper(let url):
            for server in url.servers {
                let (host, port) = parts(of: server)
                // Blocking calls with a deadline: there are a few servers, and nothing else to do meanwhile.
                facts.zooKeepers.append(.init(address: server, answer: FourLetterWord.srvr(host: host, port: port)))
            }
            let isReachable = facts.zooKeepers.contains { server in
                switch server.answer {
                case .serving, .silent: true
                case .notServing, .unreachable: false
                }
            }
            guard isReachable else { return facts.leaderUnknown = "no ZooKeeper server answers" }
            guard let leader = await MasterDetector.leader(at: location, within: .seconds(10)) else {
                return facts.leaderUnknown = "none is elected at \(url.path)"
            }
            facts.masters = [await ask(leader.baseURL(isSecure: isSecure))]
        }
    }

    private static func parts(of server: String) -> (host: String, port: Int) {
        guard let colon = server.lastIndex(of: ":"), let port = Int(server[server.index(after: colon)...]) else {
            return (server, 2181)
        }
        let host = server[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return (host, port)
    }

    private static func ask(_ url: String) async -> HostFacts.Master {
        let request = HTTPClientRequest(url: url + "/health", totalTimeout: .seconds(5))
        let before = Date()
        do {
            let reply = try await HTTPClient.shared.fetch(request)
            let middle = before.addingTimeInterval(Date().timeIntervalSince(before) / 2)
            let ahead = reply.header("Date").flatMap(DateHeader.parse).map { clockAhead(of: $0, at: middle) }
            return .init(url: url, answer: .answered(status: reply.status), clockAhead: ahead)
        } catch {
            return .init(url: url, answer: .unreachable("\(error)"), clockAhead: nil)
        }
    }

    /// A Date header has whole seconds, cut off: up to one of difference says nothing.
    static func clockAhead(of header: Date, at now: Date) -> Double {
        let difference = now.timeIntervalSince(header)
        return difference >= 0 && difference <= 1 ? 0 : difference < 0 ? difference : difference - 1
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
enum DateHeader {
    static func parse(_ text: String) -> Date? {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return format.date(from: text)
    }
}
