// The value types of Mesos flags: durations and comma-separated lists.

import ArgumentParser

/// A duration as Mesos flags write it: a number and a unit, `10secs`, `1.5mins`, `500ms`.
///
/// - SeeAlso: The stout `Duration` units of Apache Mesos: ns, us, ms, secs, mins, hrs, days, weeks.
struct FlagDuration: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration
    private let text: String

    private static let nanosecondsPerUnit: [String: Double] = [
        "ns": 1, "us": 1e3, "ms": 1e6, "secs": 1e9, "mins": 60e9, "hrs": 3600e9, "days": 86_400e9, "weeks": 604_800e9,
    ]

    init?(argument: String) {
        let number = argument.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), let unit = Self.nanosecondsPerUnit[String(argument.dropFirst(number.count))],
            value * unit < 9e18
        else { return nil }
        duration = .nanoseconds(Int64(value * unit))
        text = argument
    }

    /// A default value, written in the source.
    init(_ text: StaticString) {
        guard let value = FlagDuration(argument: "\(text)") else {
            preconditionFailure("'\(text)' is not a duration")
        }
        self = value
    }

    var description: String { text }
    var defaultValueDescription: String { text }
}

/// A list written with commas: `docker,process`.
struct FlagList: ExpressibleByArgument, CustomStringConvertible {
    let values: [String]

    init(_ values: [String]) { self.values = values }

    init?(argument: String) {
        values = argument.split(separator: ",").map { part in String(part.filter { !$0.isWhitespace }) }
        guard !values.isEmpty, values.allSatisfy({ !$0.isEmpty }) else { return nil }
    }

    var description: String { values.joined(separator: ",") }
    var defaultValueDescription: String { description }
}
