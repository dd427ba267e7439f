// The value type of Mesos's durations, for the argument parser.

import ArgumentParser
import Settings

/// A duration as Mesos flags write it: a number and a unit, `10secs`, `1.5mins`, `500ms`.
///
/// - SeeAlso: The stout `Duration` units of Apache Mesos: ns, us, ms, secs, mins, hrs, days, weeks.
struct FlagDuration: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration
    private let text: String

    init?(argument: String) {
        guard let duration = FlagText.duration(argument) else { return nil }
        self.duration = duration
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
