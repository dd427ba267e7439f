// A rule of ElastAlert as far as it speaks of our log: which lines it takes, and which of their fields it shows.

import Foundation
import IntegrationSupport
import Testing
import Yams

struct ElastAlertRule {
    /// Fields and what they must hold.
    let filter: [String: String]
    /// Those it tells alerts apart by, and those in its messages.
    let fields: [String]

    /// - Parameter name: Of a file in `packaging/alerts/elastalert`.
    init(_ name: String) throws {
        let path = "\(repository)/packaging/alerts/elastalert/\(name).yaml"
        let rule = try #require(
            try Yams.load(yaml: try String(contentsOfFile: path, encoding: .utf8)) as? [String: Any])
        let first = try #require((rule["filter"] as? [[String: Any]])?.first)
        let query = try #require((first["query"] as? [String: Any])?["query_string"] as? [String: String])["query"]
        var filter: [String: String] = [:]
        for condition in (query ?? "").split(separator: " AND ") {
            let parts = try #require(try /([a-z_]+): "([^"]*)"/.wholeMatch(in: condition), "\(condition)")
            filter[String(parts.output.1)] = String(parts.output.2)
        }
        self.filter = filter
        let lists = ["query_key", "alert_subject_args", "alert_text_args"].flatMap { rule[$0] as? [String] ?? [] }
        fields = lists + [try #require(rule["timestamp_field"] as? String)]
    }

    /// The lines of a log in JSON that it takes.
    func lines(of log: String) -> [[String: String]] {
        log.split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: String]
        }.filter { line in filter.allSatisfy { line[$0.key] == $0.value } }
    }
}
