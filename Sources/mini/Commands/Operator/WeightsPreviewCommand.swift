// `mini weights preview`: what other weights would lead to.

import ArgumentParser
import Foundation
import OperatorClient

struct WeightsPreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Print the shares that would follow from other weights; change nothing.",
        discussion: """
            The master allocates everything anew on a copy of its allocator, once under the present weights and once \
            under the new ones. "Entitled" is what a role would hold if everything were given out to all frameworks \
            that want offers now, and each took all it was offered.
            """)

    @Argument(help: ArgumentHelp("New weights.", valueName: "role=weight")) var weights: [String]
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        let value = weights.joined(separator: ",")
        let answer = try await cluster.ask("weights preview") { leader in
            try await leader.get("/weights/preview", [("weights", value)])
        }
        // The master's own document.
        if cluster.json { return print(String(decoding: answer, as: UTF8.self)) }
        print(try JSONDecoder().decode(WeightsAnswer.self, from: Data(answer)).text)
    }
}

/// `/weights/preview` as it is printed.
struct WeightsAnswer: Decodable {
    struct Row: Decodable {
        var role: String
        var weight: Double
        var new_weight: Double
        var share: Double
        var entitled_share: Double
        var new_entitled_share: Double
    }
    var roles: [Row]

    var text: String {
        let width = max(4, roles.map(\.role.count).max() ?? 0)
        func line(_ cells: [String]) -> String {
            let name = cells[0].padding(toLength: width, withPad: " ", startingAt: 0)
            return name + cells.dropFirst().map { String(repeating: " ", count: max(1, 14 - $0.count)) + $0 }.joined()
        }
        let head = line(["role", "weight", "new weight", "share now", "entitled", "new entitled"])
        let lines = roles.map { row in
            let shares = [row.share, row.entitled_share, row.new_entitled_share].map(RoleAnswer.text)
            return line([row.role, "\(row.weight)", "\(row.new_weight)"] + shares)
        }
        return ([head] + lines).joined(separator: "\n")
    }
}
