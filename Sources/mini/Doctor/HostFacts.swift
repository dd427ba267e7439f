// What `mini doctor` has seen of a host: plain values, so that what follows from them can be decided without a host.

/// Everything that is judged. What could not be found out is nil, and nothing is said about it.
struct HostFacts: Sendable {
    /// As `uname -r` says.
    var kernel = ""
    /// `net.ipv4.ip_forward`.
    var forwardsIP: Bool?
    var cgroups: ControlGroups?
    var user = User()
    var limits = Limits()
    /// Where the agent keeps things, and where the engine does.
    var folders: [Folder] = []
    /// Nil: tasks do not run in Docker.
    var engine: Engine?
    var port: Port?
    var name: Name?
    var zooKeepers: [ZooKeeperServer] = []
    var masters: [Master] = []
    /// Why the leading master is not known, when it should be.
    var leaderUnknown: String?

    enum ControlGroups: String, Sendable {
        case v1, v2
        /// Both hierarchies are mounted.
        case hybrid
        case none
    }

    struct User: Sendable {
        var id: UInt32 = 0
        var name = "root"
        /// Whether tasks are to run as the users that frameworks name.
        var switchesUser = true
        var runsProcesses = true
    }

    struct Limits: Sendable {
        /// Open files: what the agent starts with, and how far it may raise that.
        var files: UInt64?
        var filesMax: UInt64?
        /// `kernel.pid_max`, and what this process's own control group allows.
        var pids: UInt64?
        var groupPids: UInt64?
    }

    struct Folder: Sendable {
        enum Use: String, Sendable {
            case work = "work_dir"
            case engine = "engine's data"
            case temporary = "temporary files"
        }

        var use: Use
        var path: String
        var freeBytes: UInt64 = 0
        var totalBytes: UInt64 = 0
        /// Zero where the file system does not count them.
        var freeFiles: UInt64 = 0
        var totalFiles: UInt64 = 0
        /// Why nothing can be written there.
        var fault: String?
        /// It lives in memory, and is empty after a reboot.
        var isInMemory = false
        var allowsPrograms = true
        /// How long a flush of a small file takes there, the median of some; nil where nobody waits for one.
        var flush: Duration?
    }

    struct Port: Sendable {
        enum Condition: Equatable, Sendable {
            case free
            /// An agent answers there, with its id.
            case agent
            case taken
            case denied
        }

        var number: Int
        var condition: Condition
    }

    /// The host's own name, as masters and frameworks are told it.
    struct Name: Sendable {
        var name: String
        /// Empty: nobody knows it.
        var addresses: [String]
    }

    struct ZooKeeperServer: Sendable {
        enum Answer: Equatable, Sendable {
            /// `leader`, `follower`, `standalone`...
            case serving(mode: String)
            /// It runs and has no quorum.
            case notServing
            /// It lets nobody ask.
            case silent
            case unreachable(String)
        }

        var address: String
        var answer: Answer
    }

    struct Master: Sendable {
        enum Answer: Equatable, Sendable {
            case answered(status: Int)
            case unreachable(String)
        }

        var url: String
        var answer: Answer
        /// How far this host's clock is ahead of the master's, in seconds; negative: behind.
        var clockAhead: Double?
    }
}

extension HostFacts {
    /// The Docker Engine, as far as it answers.
    struct Engine: Sendable {
        enum Condition: Equatable, Sendable {
            case answers
            case absent
            case denied
            /// It accepts and does not answer.
            case silent(seconds: Int)
            case failing(String)
        }

        var socket: String
        var condition: Condition
        var version = ""
        var isPodman = false
        var storageDriver = ""
        /// As /info lists it: pool names, free space, backing file system.
        var storage: [String: String] = [:]
        var cgroupDriver = ""
        var liveRestore: Bool?
        /// Where it keeps images and containers.
        var rootFolder: String?
        /// What it says itself is wrong with its host.
        var warnings: [String] = []
        /// Addresses beyond the socket, from its command line, its configuration file, and what answers without a
        /// certificate.
        var openAddresses: [String] = []
        /// `dm.xfs_nospace_max_retries`, where somebody set it.
        var xfsRetries: Int?
    }
}

/// A version of up to three numbers, whatever follows them.
struct LooseVersion: Comparable, CustomStringConvertible {
    let numbers: [Int]

    /// Nil if the text does not begin with a number.
    init?(_ text: String) {
        let words = text.prefix { $0.isNumber || $0 == "." }.split(separator: ".").prefix(3)
        let numbers = words.compactMap { Int($0) }
        if numbers.isEmpty { return nil }
        self.numbers = numbers
    }

    init(_ numbers: Int...) { self.numbers = numbers }

    var description: String { numbers.map(String.init).joined(separator: ".") }

    static func < (left: LooseVersion, right: LooseVersion) -> Bool {
        left.numbers.lexicographicallyPrecedes(right.numbers)
    }
}
