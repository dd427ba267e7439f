// Everything an operator can say about an agent, as typed values with their defaults.

import MasterDetection
import MesosProtocol

/// Configuration of an agent. Names are those of the flags of `mini agent`.
public struct AgentConfiguration: Sendable {
    /// What to do with the tasks of an earlier run of this agent.
    public enum Recovery: String, Sendable, CaseIterable {
        /// Find them again and go on.
        case reconnect
        /// End them, report that, and exit.
        case cleanup
    }

    public enum ContainerizerName: String, Sendable, CaseIterable {
        case docker
        case process
    }

    /// Where to find the leading master.
    public var master: MasterLocation
    /// Sandboxes and checkpoints. Created if it is not there.
    public var workDirectory: String
    /// What serves only the running agent and need not outlive a start of the host; several agents may share it. Created if
    /// it is not there. `nil`: `/var/run/mesos` if that can be written, or else the work directory.
    public var runtimeDirectory: String?
    /// Address to listen on; `nil` for all.
    public var ip: String?
    /// 0: any that is free.
    public var port: Int = 5051
    /// Address under which others reach this agent; `nil`: `ip`, or the host's own.
    public var advertiseIP: String?
    public var advertisePort: Int?
    /// Name of this host in offers; `nil`: looked up, or the address.
    public var hostname: String?
    /// Whether the name is looked up; if not, it is the address.
    public var hostnameLookup: Bool = true
    /// `cpus:4;mem:2048;ports:[31000-32000]`. What is left out is detected.
    public var resources: String?
    /// Numbers of the NVIDIA devices to offer; `nil`: all if ``isolation`` has `gpu/nvidia`, else none.
    public var nvidiaDevices: [String]?
    /// Role of resources that name none.
    public var defaultRole: String = "*"
    /// `rack:r1;zone:z1`
    public var attributes: String?
    /// Region and zone of this host.
    public var domain: V1DomainInfo?
    public var containerizers: [ContainerizerName] = [.docker, .process]
    public var dockerSocket: String = "/var/run/docker.sock"
    /// Where images come from whose names say no registry; `nil`: Docker's own.
    public var dockerRegistry: String?
    /// Logins of registries: the text of a Docker `config.json`, or of a `.dockercfg`.
    public var dockerConfig: String?
    /// How long a pull may take.
    public var dockerPullTimeout: Duration = .seconds(15 * 60)
    /// How long the engine may take to create, start or remove a container. What it knows by heart has at most 10 s.
    public var dockerCallTimeout: Duration = .seconds(60)
    /// How often the engine is asked whether it is well.
    public var dockerHealthInterval: Duration = .seconds(10)
    /// The parameters that tasks may pass, named as on Docker's command line; `nil`: all that are understood.
    public var dockerParameters: [String]?
    /// What tasks and executors run in that bring no container.
    public var defaultContainer: V1ContainerInfo?
    /// Name servers of containers that name none: the JSON of Apache Mesos' DefaultContainerDNSInfo.
    public var defaultContainerDNS: String?
    /// How long an ended container is kept.
    public var dockerRemoveDelay: Duration = .seconds(6 * 3600)
    /// Grace of a Docker task that is stopped without a kill policy; `nil`: ``executorShutdownGracePeriod``.
    public var dockerStopTimeout: Duration?
    /// Whether containers of this agent that belong to no task are removed at start.
    public var dockerKillOrphans: Bool = true
    /// Where the sandbox appears inside containers.
    public var sandboxDirectory: String = "/mnt/mesos/sandbox"
    /// Whether cpus limit a container, not only share.
    public var cgroupsEnableCFS: Bool = false
    /// Whether process tasks run as the task's or framework's user. Needs root.
    public var switchUser: Bool = true
    /// Variables for process tasks, instead of the agent's own.
    public var executorEnvironmentVariables: [String: String]?
    /// Time between two looks at what a running container uses; zero: only when somebody asks.
    public var usageSampleInterval: Duration = .seconds(10)
    /// Time between signs of life on attached streams.
    public var httpHeartbeatInterval: Duration = .seconds(30)
    /// Ended executors of one framework that are kept in memory for operators to read; a command task counts as one.
    public var maxCompletedExecutorsPerFramework: Int = 150
    /// How long an executor may take to end once it is told to; its description may say otherwise.
    public var executorShutdownGracePeriod: Duration = .seconds(5)
    /// How long an executor may take to subscribe, from the start of its launch: fetching and image pull included.
    public var executorRegistrationTimeout: Duration = .seconds(60)
    /// How long an executor may take to come back to an agent that has restarted. At most 15 s.
    ///
    /// Apache Mesos waits 2 s, and with it for every executor. Here nobody waits for one whose container has ended, nor
    /// for one that lives: so the default is the longest, and executors whose library is patient between two tries
    /// (pymesos: two seconds, then four) keep their tasks.
    public var executorReregistrationTimeout: Duration = .seconds(15)
    /// For how long an executor waits for a lost agent before it ends itself.
    public var recoveryTimeout: Duration = .seconds(900)
    public var zkSessionTimeout: Duration = .seconds(10)
    public var registrationBackoffFactor: Duration = .seconds(1)
    public var recover: Recovery = .reconnect
    /// Which changes of this host's resources, attributes and domain are accepted from an agent that returns.
    public var reconfigurationPolicy: ReconfigurationPolicy = .equal
    /// Whether a corrupt checkpoint keeps the agent from starting. Otherwise what is bad is set aside.
    public var strict: Bool = true
    /// What process tasks are isolated by, in the names of Apache Mesos: `cgroups/cpu`, `cgroups/mem`, `cgroups/pids`.
    /// What this host does not allow is left out, and said so in the log and in `/state`.
    public var isolation: [String] = ["posix/cpu", "posix/mem"]
    /// `posix`, or `linux`: the processes of a task are kept together in a control group.
    public var launcher = "posix"
    public var cgroupsHierarchy = "/sys/fs/cgroup"
    /// The agent's own folder there.
    public var cgroupsRoot = "mesos"
    /// Whether memory limits of process tasks count swap.
    public var cgroupsLimitSwap = false
    /// Most processes and threads of one process task with `cgroups/pids`; `nil`: no limit.
    public var cgroupsPidsMax: Int?
    /// Whether process tasks are kept out of the agent's systemd unit, in a slice of their own; without effect on a host that
    /// systemd does not run, and for an agent that is not root.
    public var systemdSupport = true
    /// Where systemd looks for units that are gone with the next start of the host.
    public var systemdRuntimeDirectory = "/run/systemd/system"
    /// Program that supervises process tasks; `nil`: `mini-supervisor` beside this program, or this program itself.
    public var supervisorPath: String?
    /// Program that unpacks what tasks fetch; `nil`: `mini-fetcher` beside this program.
    public var fetcherPath: String?
    /// What URIs with a relative path are relative to.
    public var frameworksHome: String?
    /// Room for fetched files that several tasks use; 0: none are kept.
    public var fetcherCacheBytesMax: Int = 2 << 30
    /// Emptied at start; `nil`: `fetch` in the work directory.
    public var fetcherCacheDirectory: String?
    /// How long a download may stand still.
    public var fetcherStallTimeout: Duration = .seconds(60)
    /// How large a task's `stdout` may become before it is rotated, in bytes; `nil`: as large as it likes.
    public var outputBytesMax: (standardOutput: Int?, standardError: Int?) = (nil, nil)
    /// How many rotated pieces of each are kept.
    public var outputPiecesKept: Int = 9
    /// How long the sandbox of an ended task is kept, at most.
    public var gcDelay: Duration = .seconds(7 * 86_400)
    /// Share of the disk that is to stay free, 0 to 1.
    public var gcDiskHeadroom: Double = 0.1
    public var diskWatchInterval: Duration = .seconds(60)
    /// Where this agent's log can be read; shown as `/slave/log`.
    public var logFile: String?
    /// What was given for flags that are not among these values, for `/flags`. No secrets.
    public var reportedFlags: [String: String] = [:]
    /// How it proves itself to the master, who may ask it what, and TLS.
    public var security = AgentSecurity()

    var outputLimits: OutputLimits {
        func limit(_ bytes: Int?) -> OutputLimit? {
            bytes.map { OutputLimit(bytesMax: max(1, $0), keptMax: max(1, outputPiecesKept)) }
        }
        return OutputLimits(
            standardOutput: limit(outputBytesMax.standardOutput), standardError: limit(outputBytesMax.standardError))
    }

    public init(master: MasterLocation, workDirectory: String) {
        self.master = master
        self.workDirectory = workDirectory
    }
}

/// Why an agent could not start. One line, fit for an operator.
public enum AgentStartError: Error, Sendable, CustomStringConvertible {
    case workDirectory(String)
    case workDirectoryInUse(path: String, pid: String)
    case runtimeDirectory(String)
    case invalidResources(String)
    case invalidAttributes(String)
    case invalidAddress(String)
    case corruptCheckpoint([String])
    /// The policy does not allow what has changed since the last start.
    case changed(String, metaLatest: String)
    case incompatible(differences: [String], metaLatest: String)
    case cannotListen(String)
    /// - Parameter flag: The one that makes no sense, without dashes.
    case invalidDocker(flag: String, reason: String)
    case noSupervisor(String)
    /// - Parameter flag: What needs them, without dashes.
    case credentialsMissing(flag: String)
    /// Executors must authenticate, and there is no key for their tokens.
    case keyMissing
    case tls(path: String, reason: String)

    public var description: String {
        switch self {
        case .workDirectory(let reason): "work_dir cannot be used: \(reason)"
        case .workDirectoryInUse(let path, let pid):
            "work_dir \(path) is in use by another agent" + (pid.isEmpty ? "" : " (pid \(pid))")
        case .runtimeDirectory(let reason): "runtime_dir cannot be used: \(reason)"
        case .invalidResources(let reason): "invalid resources: \(reason)"
        case .invalidAttributes(let reason): "invalid attributes: \(reason)"
        case .invalidAddress(let reason): reason
        case .corruptCheckpoint(let problems):
            "the checkpoint is corrupt (start with --no-strict to set the bad files aside and recover the rest): "
                + problems.joined(separator: "; ")
        case .incompatible(let differences, let metaLatest):
            "Incompatible agent info detected: \(differences.joined(separator: "; ")). Start with the old flags; or, to "
                + "start as a new agent, end its tasks and remove \(metaLatest)"
        case .changed(let refusal, let metaLatest):
            "\(refusal). Nothing was touched, and tasks go on. Start with the old flags; or with "
                + "--reconfiguration_policy=additive if this host only has more than before; or, to start as a new agent, "
                + "end its tasks and remove \(metaLatest)"
        case .cannotListen(let reason): reason
        case .invalidDocker(let flag, let reason): "--\(flag): \(reason)"
        case .credentialsMissing(let flag): "--\(flag) needs --http_credentials: nobody could prove who they are"
        case .keyMissing: "--authenticate_http_executors needs --jwt_secret_key: the key that tokens are signed with"
        case .tls(let path, let reason): "TLS: cannot read \(path): \(reason)"
        case .noSupervisor(let path): "the process containerizer needs \(path), which cannot be executed"
        }
    }
}
