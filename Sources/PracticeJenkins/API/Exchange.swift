/// One request with everything its handling needs: who asks, the parameters, and the controller's state as it is now.
struct Exchange {
    var method: String
    var path: String
    var segments: [String]
    var parameters: [(name: String, value: String)]
    var body: [UInt8]
    var contentType: String
    var principal: Principal
    var session: String?
    /// The address the client used, ending in a slash: what absolute URLs in answers start with.
    var root: String
    var now: PracticeTime

    var isPost: Bool { method == "POST" }

    /// The query string wins over the form body.
    func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// Renders a bean the way the last path segment and the parameters ask for.
    func render(_ bean: Bean, flavour: String) -> Answer {
        let value: JSONValue
        if let tree = parameter("tree"), !tree.isEmpty {
            guard let filter = TreeFilter.parse(tree) else { return .failure(400, "Invalid tree expression: \(tree)") }
            value = bean.pruned(by: filter)
        } else {
            value = bean.pruned(toDepth: min(max(parameter("depth").flatMap { Int($0) } ?? 0, 0), 10))
        }
        switch flavour {
        case "json": return .json(value)
        case "python": return .bytes(value.write(.python), contentType: "text/x-python;charset=utf-8")
        default: return .failure(501, "The practice controller has no \(flavour) rendering")
        }
    }
}
