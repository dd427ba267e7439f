// A machine as maintenance speaks of it: a host name, an IP address, or both.
import MesosProtocol
import Resources

/// Names one machine. Host names are compared without regard to case.
///
/// A part that is absent matches any: Apache Mesos accepts such a machine too, but lets it match no agent at all.
package struct Machine: Hashable, Comparable, Sendable {
    /// In lower case; empty if not given.
    package let hostname: String
    /// Empty if not given.
    package let ip: String
    /// As it was given, for people to recognise.
    private let given: String

    package init(hostname: String, ip: String) {
        given = hostname
        self.hostname = hostname.lowercased()
        self.ip = ip
    }

    package init(_ message: V1MachineID) { self.init(hostname: message.hostname, ip: message.ip) }

    package var message: V1MachineID {
        var message = V1MachineID()
        if !given.isEmpty { message.hostname = given }
        if !ip.isEmpty { message.ip = ip }
        return message
    }

    /// As Apache Mesos names it in its answers.
    package var text: String { Self.text(message) }

    package static func text(_ message: V1MachineID) -> String {
        String(decoding: MesosJSON.encode(message), as: UTF8.self)
    }

    package func matches(hostname other: String, ip otherIP: String) -> Bool {
        (hostname.isEmpty || hostname == other.lowercased()) && (ip.isEmpty || ip == otherIP)
    }

    package static func == (left: Machine, right: Machine) -> Bool {
        left.hostname == right.hostname && left.ip == right.ip
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(hostname)
        hasher.combine(ip)
    }

    package static func < (left: Machine, right: Machine) -> Bool {
        (left.hostname, left.ip) < (right.hostname, right.ip)
    }
}
