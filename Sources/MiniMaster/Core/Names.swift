// The small names by which the master's core and its shell speak of streams, links, requests and sessions.
import Resources

/// A scheduler's event stream, named by the random text sent to it as `Mesos-Stream-Id`.
package struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: String

    package init(_ value: String) { self.value = value }

    package var description: String { value }

    package static func < (left: StreamID, right: StreamID) -> Bool { left.value < right.value }
}

/// An agent's command stream, named by the random text sent to it as `Mini-Link-Stream-Id`.
package struct LinkID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let value: String

    package init(_ value: String) { self.value = value }

    package var description: String { value }

    package static func < (left: LinkID, right: LinkID) -> Bool { left.value < right.value }
}

/// A request that waits for its answer. The shell numbers them; the core answers each exactly once.
package struct RequestNumber: Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A ZooKeeper session the core asked for. Events of an earlier one are recognised by their number and ignored.
package struct SessionNumber: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static func < (left: SessionNumber, right: SessionNumber) -> Bool { left.rawValue < right.rawValue }
}

/// A master that stands for election: its znode's name, and the number ZooKeeper gave it. The lowest number leads.
package struct Candidate: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let name: String
    package let sequence: Int64

    package init(name: String, sequence: Int64) {
        self.name = name
        self.sequence = sequence
    }

    package var description: String { name }

    package static func < (left: Candidate, right: Candidate) -> Bool {
        (left.sequence, left.name) < (right.sequence, right.name)
    }
}

/// One term of leadership: the election znode it rests on. Every registry write names its term, and fails if that
/// znode is gone.
package struct Term: Hashable, Sendable, CustomStringConvertible {
    /// Nil for a standalone master, which has nobody to be fenced from.
    package let candidate: Candidate?
    /// Counts this process's own terms, so that answers to an earlier term's requests can be told apart.
    package let number: UInt64

    package init(candidate: Candidate?, number: UInt64) {
        self.candidate = candidate
        self.number = number
    }

    package var description: String { "\(candidate?.name ?? "standalone")#\(number)" }
}
