// What really ran, told by the builds themselves: each appends a line to a file of its own when it begins and ends.
import Foundation

/// One run of a build's script, as it told.
package struct LedgerLine: Hashable, Sendable {
    package enum Kind: String, Sendable { case start, end }
    package var kind: Kind
    package var node: String
    /// Milliseconds since the Unix epoch.
    package var at: Int64

    init?(_ line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 3, let kind = Kind(rawValue: String(words[0])), let at = Int64(words[2]) else {
            return nil
        }
        (self.kind, node, self.at) = (kind, String(words[1]), at)
    }

    init(_ kind: Kind, node: String, at: Int64) { (self.kind, self.node, self.at) = (kind, node, at) }
}

/// The folder with the builds' files.
package struct BuildLedger: Sendable {
    package var directory: String

    /// A script that tells when it begins and ends, and takes so long in between.
    package func command(seconds: Double) -> String {
        """
        m="\(directory)/builds/$JOB_NAME.$BUILD_NUMBER"
        echo "start $NODE_NAME $(date +%s%3N)" >>"$m"
        sleep \(seconds)
        echo "end $NODE_NAME $(date +%s%3N)" >>"$m"
        """
    }

    /// What the build of a job told; empty if it never ran.
    package func lines(of job: String, _ number: Int = 1) -> [LedgerLine] {
        let content = FileManager.default.contents(atPath: "\(directory)/builds/\(job).\(number)") ?? Data()
        return String(decoding: content, as: UTF8.self).split(separator: "\n").compactMap { LedgerLine($0) }
    }

    /// Every build that began: by `job.number`.
    package func all() -> [String: [LedgerLine]] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory + "/builds")) ?? []
        return names.reduce(into: [:]) { all, name in
            let content = FileManager.default.contents(atPath: "\(directory)/builds/\(name)") ?? Data()
            all[name] = String(decoding: content, as: UTF8.self).split(separator: "\n").compactMap { LedgerLine($0) }
        }
    }

    /// When each agent's task began, in milliseconds since the Unix epoch; a name twice is a task that began twice.
    package func agentStarts() -> [String: [Int64]] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory + "/agents")) ?? []
        return names.reduce(into: [:]) { all, name in
            let content = FileManager.default.contents(atPath: "\(directory)/agents/\(name)") ?? Data()
            all[name] = String(decoding: content, as: UTF8.self).split(separator: "\n").compactMap { Int64($0) }
        }
    }
}
