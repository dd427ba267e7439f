// A limit of `rlimit_info`, as the kernel and as container engines name it.

import MesosProtocol

/// What a process and those that it starts may use, each for itself, of one thing.
struct ResourceLimit: Hashable, Sendable {
    struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        var description: String
    }

    /// As for `ulimit` in an engine: `nofile`.
    var name: String
    /// `RLIMIT_...` of Linux.
    var number: Int
    /// Nil: none.
    var soft: UInt64?
    var hard: UInt64?

    init(_ limit: V1RLimitInfo.RLimit) throws(Fault) {
        guard let (name, number) = Self.names[limit.type] else {
            throw Fault(description: "Resource limit \(limit.type) is not known")
        }
        guard limit.hasSoft == limit.hasHard else {
            throw Fault(description: "Resource limit '\(name)' needs both 'soft' and 'hard', or neither")
        }
        (self.name, self.number) = (name, number)
        soft = limit.hasSoft ? limit.soft : nil
        hard = limit.hasHard ? limit.hard : nil
    }

    static func all(of container: V1ContainerInfo) throws(Fault) -> [ResourceLimit] {
        var limits: [ResourceLimit] = []
        for limit in container.rlimitInfo.rlimits { limits.append(try ResourceLimit(limit)) }
        return limits
    }

    private static let names: [V1RLimitInfo.RLimit.TypeEnum: (name: String, number: Int)] = [
        .rlmtCpu: ("cpu", 0), .rlmtFsize: ("fsize", 1), .rlmtData: ("data", 2), .rlmtStack: ("stack", 3),
        .rlmtCore: ("core", 4), .rlmtRss: ("rss", 5), .rlmtNproc: ("nproc", 6), .rlmtNofile: ("nofile", 7),
        .rlmtMemlock: ("memlock", 8), .rlmtAs: ("as", 9), .rlmtLocks: ("locks", 10),
        .rlmtSigpending: ("sigpending", 11), .rlmtMsgqueue: ("msgqueue", 12), .rlmtNice: ("nice", 13),
        .rlmtRtprio: ("rtprio", 14), .rlmtRttime: ("rttime", 15),
    ]
}
