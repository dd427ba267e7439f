// What the "why" of a queued item says about its label: for pipeline steps the only source the controller offers.

/// The label part of a reason for waiting.
package enum WhyText: Equatable, Sendable {
    /// The quoted text: a canonical label expression, or a node's name if exactly one node matches.
    case expressionOrNode(String)
    /// The item waits for this node alone, or for a label only this node has; the text does not say which.
    case node(String)
    /// No label is asked for; or there is no node but the built-in one, and then labels are not shown.
    case anyNode
    /// Nothing about a label.
    case silent

    /// Reads the English texts. Other languages and texts of plugins are `silent`, never an error.
    package static func parse(_ why: String?) -> WhyText {
        guard let why else { return .silent }
        let text = String(why.prefix(4_096))
        if text == "Waiting for next available executor" { return .anyNode }
        for prefix in [
            "There are no nodes with the label ", "All nodes of label ", "Waiting for next available executor on ",
        ] where text.hasPrefix(prefix) {
            let rest = String(text.dropFirst(prefix.count))
            let isOffline = prefix == "All nodes of label "
            let name = firstQuoted(rest) ?? unquoted(rest, droppingSuffix: isOffline ? " are offline" : "")
            return name.map { .expressionOrNode($0) } ?? .silent
        }
        // Reasons of single nodes, joined by "; ": the first that names a label will do, they are all of one item.
        for reason in text.split(separator: ";") {
            let quotes = allQuoted(String(reason))
            if reason.contains("have label"), quotes.count >= 2 { return .expressionOrNode(quotes[1]) }
        }
        if text.hasSuffix(" is offline"), let name = firstQuoted(text) ?? unquoted(text, droppingSuffix: " is offline")
        {
            return .node(name)
        }
        return .silent
    }

    private static func firstQuoted(_ text: String) -> String? { allQuoted(text).first }

    /// What stands between typographic quotes. A name may hold an apostrophe, so the last closing quote before the next
    /// opening one counts.
    private static func allQuoted(_ text: String) -> [String] {
        text.split(separator: "\u{2018}", omittingEmptySubsequences: false).dropFirst().compactMap { part in
            part.lastIndex(of: "\u{2019}").map { String(part[..<$0]) }
        }.map { part in
            // "doesn’t" uses the closing quote as an apostrophe: then the first closing quote ended the name.
            part.contains("\u{2019} doesn") ? String(part.prefix { $0 != "\u{2019}" }) : part
        }
    }

    /// Lines before 2.150 wrote node names without quotes.
    private static func unquoted(_ text: String, droppingSuffix suffix: String) -> String? {
        guard text.hasSuffix(suffix) else { return nil }
        let name = String(text.dropLast(suffix.count)).trimmingBlanks
        return name.isEmpty || name.contains("\u{2018}") ? nil : name
    }
}
