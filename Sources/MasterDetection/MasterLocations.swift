// Where a command looks for the leading master: one place of any form, or several masters by address.

/// What `--master` of every command takes. Which of several masters leads is found out by asking them.
public struct MasterLocations: Hashable, Sendable, CustomStringConvertible {
    public var first: MasterLocation
    /// Addresses that are asked in turn when the first does not answer.
    public var others: [MasterLocation]
    /// Whether the masters are named by `https` URLs.
    public var isSecure: Bool
    /// As it was written, fit to be shown.
    public var description: String { all.map(\.description).joined(separator: ",") }

    public var all: [MasterLocation] { [first] + others }

    /// More addresses than anybody has masters are a mistake.
    private static let countMax = 32

    /// Reads `zk://…/path`, `host:port[,host:port…]`, each perhaps with `http://` or `https://` before it, or
    /// `file:///path`, which stands for the content of that file.
    public static func parse(_ text: String) throws(MasterLocationError) -> MasterLocations {
        let text = try MasterLocation.content(of: text)
        let isSecure = text.hasPrefix("https://")
        guard text.contains(","), !text.hasPrefix("zk://") else {
            return MasterLocations(first: try MasterLocation.parseDirectly(text[...]), others: [], isSecure: isSecure)
        }
        var all: [MasterLocation] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let location = try MasterLocation.parseDirectly(MasterLocation.trimmingWhitespace(String(part)))
            guard case .address = location, all.count < countMax else { throw .malformed(String(part)) }
            if !all.contains(location) { all.append(location) }
        }
        guard let first = all.first else { throw .malformed(text) }
        return MasterLocations(first: first, others: Array(all.dropFirst()), isSecure: isSecure)
    }

    private init(first: MasterLocation, others: [MasterLocation], isSecure: Bool) {
        self.first = first
        self.others = others
        self.isSecure = isSecure
    }
}
