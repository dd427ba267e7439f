// `mini weights`: weights of roles, read and written.

import MesosProtocol
import Resources
import TextTables

public struct WeightsReport: Report {
    public struct Entry: Encodable, Hashable, Sendable {
        public var role: String
        public var weight: Double
    }
    /// Only those that are not 1.
    public var weights: [Entry]

    public init(_ answer: V1OperatorResponse.GetWeights) {
        weights = answer.weightInfos.map { Entry(role: $0.role, weight: $0.weight) }.sorted { $0.role < $1.role }
    }

    public func text(_ sheet: Sheet) -> String {
        guard !weights.isEmpty else { return "every role has weight 1" }
        var table = TextTable([.init("ROLE", mayShrink: true, keepsEnd: true), .init("WEIGHT", .right)])
        for entry in weights { table.add([entry.role, Figures.decimal(entry.weight, 3)]) }
        return table.text(width: sheet.width) + "\nevery other role has weight 1"
    }
}

public enum WeightChange {
    /// - Parameter pairs: `role=weight`, each.
    public static func call(_ pairs: [String]) throws(ArgumentProblem) -> V1OperatorCall {
        var call = V1OperatorCall()
        call.type = .updateWeights
        for pair in pairs.flatMap({ $0.split(separator: ",") }) {
            guard let equals = pair.lastIndex(of: "="), let weight = Double(pair[pair.index(after: equals)...]),
                weight > 0, weight.isFinite
            else { throw ArgumentProblem("expected role=weight with a weight above 0, found '\(pair)'") }
            var info = V1WeightInfo()
            do throws(RoleNameError) { info.role = try RoleName(String(pair[..<equals])).value } catch {
                throw ArgumentProblem("'\(pair)': \(error)")
            }
            info.weight = weight
            call.updateWeights.weightInfos.append(info)
        }
        guard !call.updateWeights.weightInfos.isEmpty else { throw ArgumentProblem("expected role=weight") }
        return call
    }
}
