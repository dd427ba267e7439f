// Paths and bodies of what is asked of the controller.
import FoundationEssentials
import Resources

enum JenkinsRequests {
    /// A path segment with everything but letters, digits and `-._~` as %XX.
    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let character = Character(Unicode.Scalar(byte))
            if byte < 128, character.isLetter || character.isNumber || "-._~".contains(character) {
                result.append(character)
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                result += "%" + (hex.count == 1 ? "0" : "") + hex
            }
        }
        return result
    }

    static func query(_ path: String, _ parameters: [(String, String)]) -> String {
        path + "?" + form(parameters)
    }

    static func form(_ fields: [(String, String)]) -> String {
        fields.map { escaped($0.0) + "=" + escaped($0.1) }.joined(separator: "&")
    }

    static func computer(_ name: NodeName) -> String { "/computer/" + escaped(name.value) }

    /// The form of `doCreateItem` for an inbound agent.
    static func createForm(_ node: NodeForm) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(node)
        return form([
            ("name", node.name), ("type", "hudson.slaves.DumbSlave"),
            ("json", String(decoding: json, as: UTF8.self)),
        ])
    }

    /// The part of a build's URL that is the same under whatever address the controller is reached by.
    static func buildPath(_ url: String) -> String? {
        guard let range = url.firstRange(of: "/job/"), url.count <= 4_096 else { return nil }
        let path = url[range.lowerBound...]
        guard path.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "?" && $0 != "#" }) else { return nil }
        return path.hasSuffix("/") ? String(path.dropLast()) : String(path)
    }
}
