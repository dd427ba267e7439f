// Where to look for the leading master: one place of any form, or several masters by address.

import MasterDetection

public struct MasterAddress: Hashable, Sendable, CustomStringConvertible {
    /// One, or addresses that are asked in turn.
    public var locations: [MasterLocation]
    /// Whether the masters are named by `https` URLs.
    public var isSecure: Bool
    /// As it was written, fit to be shown.
    public var description: String { locations.map(\.description).joined(separator: ",") }

    /// Reads what `--master` takes: `zk://…/path`, `file:///path`, or `host:port[,host:port…]`, each perhaps with `http://`
    /// or `https://` before it.
    public static func parse(_ text: String) throws(MasterLocationError) -> MasterAddress {
        let trimmed = text.drop { $0.isWhitespace }
        guard trimmed.contains(","), !trimmed.hasPrefix("zk://"), !trimmed.hasPrefix("file://") else {
            return MasterAddress(
                locations: [try MasterLocation.parse(text)], isSecure: trimmed.hasPrefix("https://"))
        }
        var locations: [MasterLocation] = []
        for part in trimmed.split(separator: ",") {
            let location = try MasterLocation.parse(String(part))
            guard case .address = location else { throw .malformed(String(part)) }
            locations.append(location)
        }
        return MasterAddress(locations: locations, isSecure: trimmed.hasPrefix("https://"))
    }
}
