// The line in a node's description that says whose it is: only nodes with our framework id are ever touched.
import Resources

package struct NodeMarker: Equatable, Sendable {
    package enum Kind: String, Sendable { case agent, beacon }

    package var frameworkID: FrameworkID
    package var template: TemplateName
    package var kind: Kind

    package init(frameworkID: FrameworkID, template: TemplateName, kind: Kind = .agent) {
        self.frameworkID = frameworkID
        self.template = template
        self.kind = kind
    }

    /// - Returns: nil if the description carries no marker; such nodes are others'.
    package init?(description: String) {
        guard let words = Self.words(description), let id = words["id"], let template = words["template"],
            !id.isEmpty, !template.isEmpty
        else { return nil }
        self.init(
            frameworkID: FrameworkID(id), template: TemplateName(template),
            kind: words["kind"].flatMap(Kind.init) ?? .agent)
    }

    package var text: String {
        "managed-by=jenkins-framework id=\(frameworkID) template=\(template)"
            + (kind == .beacon ? " kind=beacon" : "")
    }

    private static func words(_ description: String) -> [String: String]? {
        var isMarked = false
        var words: [String: String] = [:]
        for word in description.prefix(1_000).split(separator: " ") {
            if word == "managed-by=jenkins-framework" { isMarked = true }
            guard let equals = word.firstIndex(of: "=") else { continue }
            words[String(word[..<equals])] = String(word[word.index(after: equals)...])
        }
        return isMarked ? words : nil
    }
}
