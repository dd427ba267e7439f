// What to start and how: the Swift face of CLinux's spawn.
import CLinux
import Glibc

/// A program to start as a process of its own.
public struct SpawnRequest: Sendable {
    /// Who the process runs as.
    public struct Identity: Hashable, Sendable {
        public var user: uid_t
        public var group: gid_t
        /// Supplementary groups, exactly these.
        public var groups: [gid_t]

        public init(user: uid_t, group: gid_t, groups: [gid_t] = []) {
            self.user = user
            self.group = group
            self.groups = groups
        }
    }

    /// A limit the kernel holds the process to (`RLIMIT_*`), in that resource's unit; `UInt64.max` means none.
    public struct Limit: Hashable, Sendable {
        public var resource: Int32
        public var soft: UInt64
        public var hard: UInt64

        public init(resource: Int32, soft: UInt64, hard: UInt64) {
            self.resource = resource
            self.soft = soft
            self.hard = hard
        }
    }

    public enum Grouping: Hashable, Sendable {
        /// Ctrl-C in our terminal reaches it too.
        case inherited
        /// A process group of its own.
        case newProcessGroup
        /// A session of its own, without a terminal.
        case newSession
    }

    /// A path; or a bare name, looked up in the `PATH` of `environment`.
    public var program: String
    /// Without the program's own name.
    public var arguments: [String]
    /// All variables of the process, `NAME=value`.
    public var environment: [String]
    /// `nil`: ours.
    public var directory: String?
    /// Descriptors of ours that become 0, 1 and 2; `nil` means `/dev/null`. They stay open here.
    public var standardInput: Int32?
    public var standardOutput: Int32?
    public var standardError: Int32?
    public var grouping = Grouping.newSession
    /// A signal for the process when this one dies, however it dies; `nil`: it lives on.
    public var deathSignal: Int32?
    /// `nil`: as we are.
    public var identity: Identity?
    /// `cgroup.procs` files to enter before the program runs.
    public var cgroupProcsPaths: [String] = []
    public var limits: [Limit] = []

    public init(program: String, arguments: [String] = [], environment: [String] = SpawnRequest.ownEnvironment) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }

    /// The variables of this process, `NAME=value`.
    public static var ownEnvironment: [String] {
        var result: [String] = []
        guard var entry = clinux_environ() else { return result }
        while let text = entry.pointee {
            result.append(String(cString: text))
            entry += 1
        }
        return result
    }
}

/// Why a process could not be started: the step and the system's reason.
public struct SpawnError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Stage: Int32, Sendable {
        case fork, session, cgroup, limit, standardStreams, directory, identity, deathSignal, execute
    }
    public let program: String
    public let stage: Stage
    /// The system's error number.
    public let code: Int32

    public init(program: String, stage: Stage, code: Int32) {
        self.program = program
        self.stage = stage
        self.code = code
    }

    public var description: String {
        let reason = String(cString: strerror(code))
        return switch stage {
        case .fork: "cannot fork for \(program): \(reason)"
        case .session: "cannot give \(program) its own session: \(reason)"
        case .cgroup: "cannot move \(program) into its control group: \(reason)"
        case .limit: "cannot set the resource limits of \(program): \(reason)"
        case .standardStreams: "cannot connect the standard streams of \(program): \(reason)"
        case .directory: "cannot enter the working directory of \(program): \(reason)"
        case .identity: "cannot change to the user of \(program): \(reason)"
        case .deathSignal: "cannot tie \(program) to its parent: \(reason)"
        case .execute: "cannot execute \(program): \(reason)"
        }
    }
}

extension SpawnRequest {
    /// Starts the process. Blocks for the millisecond that fork and exec take.
    ///
    /// - Returns: Its pid and a pidfd, the caller's to close.
    func start() throws(SpawnError) -> (pid: pid_t, pidfd: Int32) {
        var pid: pid_t = 0
        var pidfd: Int32 = -1
        var stage: Int32 = 0
        let memory = CMemory()
        var request = cRequest(in: memory)
        let code = withExtendedLifetime(memory) { clinux_spawn(&request, &pid, &pidfd, &stage) }
        if code != 0 { throw SpawnError(program: program, stage: .init(rawValue: stage) ?? .fork, code: code) }
        return (pid, pidfd)
    }

    private func cRequest(in memory: CMemory) -> clinux_spawn_request {
        var request = clinux_spawn_request()
        request.program = UnsafePointer(memory.string(program))
        request.arguments = memory.strings([program] + arguments)
        request.environment = memory.strings(environment)
        request.directory = directory.map { UnsafePointer(memory.string($0)) }
        request.stdin_fd = standardInput ?? -1
        request.stdout_fd = standardOutput ?? -1
        request.stderr_fd = standardError ?? -1
        request.new_session = grouping == .newSession
        request.new_process_group = grouping == .newProcessGroup
        request.death_signal = deathSignal ?? 0
        if let identity {
            request.change_identity = true
            request.user = identity.user
            request.group = identity.group
            request.groups = memory.array(identity.groups)
            request.groups_count = identity.groups.count
        }
        request.cgroup_procs = memory.array(cgroupProcsPaths.map { UnsafePointer(memory.string($0)) })
        request.cgroup_procs_count = cgroupProcsPaths.count
        request.rlimits = memory.array(
            limits.map { clinux_rlimit(resource: $0.resource, soft: $0.soft, hard: $0.hard) })
        request.rlimits_count = limits.count
        return request
    }
}

/// Strings and arrays for C, freed together.
private final class CMemory {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit {
        for block in blocks { free(block) }
    }

    /// A copy that ends with NUL. A NUL inside `text` cuts it short, as everywhere in C.
    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = allocate(CChar.self, count: bytes.count)
        for (index, byte) in bytes.enumerated() { copy[index] = byte }
        return copy
    }

    /// Copies, and NULL behind the last.
    func strings(_ texts: [String]) -> UnsafePointer<UnsafeMutablePointer<CChar>?> {
        array(texts.map { string($0) } + [nil])
    }

    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
        let copy = allocate(Element.self, count: elements.count)
        for (index, element) in elements.enumerated() { (copy + index).initialize(to: element) }
        return UnsafePointer(copy)
    }

    private func allocate<Element: BitwiseCopyable>(_: Element.Type, count: Int) -> UnsafeMutablePointer<Element> {
        guard let block = malloc(max(1, count * MemoryLayout<Element>.stride)) else {
            preconditionFailure("no memory for \(count) elements of \(Element.self)")
        }
        blocks.append(block)
        return block.bindMemory(to: Element.self, capacity: count)
    }
}
