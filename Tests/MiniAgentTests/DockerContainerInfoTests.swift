// The rows of ContainerInfo that are neither command, network nor parameter: volumes, limits, devices, name servers.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct DockerContainerInfoTests {
    private var info: V1TaskInfo {
        var info = AgentConversation.info("t1", docker: true)
        info.container.docker.network = .bridge
        return info
    }

    private func resources(_ text: String) -> [V1Resource] {
        (try? Resources.parse(text, defaultRole: .any))?.protobuf() ?? []
    }

    private func hostPath(_ path: String, to container: String, _ mode: V1MountPropagation.Mode? = nil) -> V1Volume {
        var volume = V1Volume()
        volume.mode = .ro
        volume.containerPath = container
        volume.source.type = .hostPath
        volume.source.hostPath.path = path
        if let mode { volume.source.hostPath.mountPropagation.mode = mode }
        return volume
    }

    @Test func `a host path source, with its propagation`() {
        var info = info
        info.container.volumes = [
            hostPath("/a", to: "/b"), hostPath("/c", to: "/d", .bidirectional),
            hostPath("/e", to: "/f", .hostToContainer),
        ]
        #expect(MappedTask.body(info).contains(#""Binds":["/a:/b:ro","/c:/d:ro,rshared","/e:/f:ro,rslave"]"#))
    }

    @Test func `a colon in a path makes a mount of it, since a bind cannot have one`() {
        var info = info
        info.container.volumes = [hostPath("/a:b", to: "/c", .bidirectional), hostPath("cache", to: "/d")]
        let body = MappedTask.body(info, workDirectory: "/w:x")
        #expect(
            body.contains(
                #"{"Type":"bind","Source":"/a:b","Target":"/c","ReadOnly":true,"#
                    + #""BindOptions":{"Propagation":"rshared"}}"#))
        #expect(body.contains(#""Source":"/w:x/slaves/a1/frameworks/f1/executors/t1/runs/c1/cache","Target":"/d""#))
        #expect(
            body.contains(
                #""Source":"/w:x/slaves/a1/frameworks/f1/executors/t1/runs/c1","Target":"/mnt/mesos/sandbox""#))
        #expect(!body.contains("Binds"))
    }

    @Test func `a volume driver, however it is said, is one`() {
        var info = info
        info.container.docker.volumeDriver = "nfs"
        var named = V1Volume()
        named.mode = .rw
        named.containerPath = "/data"
        named.hostPath = "vol"
        info.container.volumes = [named]
        let body = MappedTask.body(info)
        #expect(body.contains(#""Binds":["vol:/data:rw"]"#))
        #expect(body.contains(#""VolumeDriver":"nfs""#))
        var other = V1Volume()
        other.mode = .rw
        other.containerPath = "/more"
        other.source.type = .dockerVolume
        other.source.dockerVolume.name = "x"
        other.source.dockerVolume.driver = "rexray"
        info.container.volumes = [named, other]
        #expect(MappedTask.body(info) == "Only one volume driver is supported")
        info.container.docker.parameters = [MappedTask.parameter("volume-driver", "rexray")]
        #expect(MappedTask.body(info) == "Only one volume driver per task is supported")
    }

    @Test func `capabilities, seccomp and what is shared with the host`() {
        var info = info
        info.container.linuxInfo.boundingCapabilities.capabilities = [.sysAdmin]
        info.container.linuxInfo.effectiveCapabilities.capabilities = [.netBindService, .chown]
        info.container.linuxInfo.seccomp.unconfined = true
        info.container.linuxInfo.ipcMode = .private
        info.container.linuxInfo.sharePidNamespace = true
        info.container.docker.parameters = [MappedTask.parameter("cap-add", "SYS_TIME")]
        let body = MappedTask.body(info)
        for part in [
            #""CapDrop":["ALL"]"#, #""CapAdd":["NET_BIND_SERVICE","CHOWN","SYS_TIME"]"#,
            #""SecurityOpt":["seccomp=unconfined"]"#, #""IpcMode":"private""#, #""PidMode":"host""#,
        ] { #expect(body.contains(part), "\(part) in \(body)") }
        info.container.linuxInfo.ipcMode = .shareParent
        info.container.linuxInfo.clearEffectiveCapabilities()
        let other = MappedTask.body(info)
        #expect(other.contains(#""IpcMode":"host""#) && other.contains(#""CapAdd":["SYS_ADMIN","SYS_TIME"]"#))
        info.container.linuxInfo.seccomp.profileName = "mine"
        #expect(
            MappedTask.body(info) == "Seccomp profile 'mine' is not known: this agent has no seccomp_config_dir")
    }

    @Test func `a terminal of a given size, to be typed into`() {
        var info = info
        info.container.ttyInfo.windowSize.rows = 24
        info.container.ttyInfo.windowSize.columns = 80
        let body = MappedTask.body(info)
        for part in [#""Tty":true"#, #""OpenStdin":true"#, #""ConsoleSize":[24,80]"#] {
            #expect(body.contains(part), "\(part) in \(body)")
        }
    }

    @Test func `without linux_info a container has what the engine gives`() {
        let body = MappedTask.body(info)
        for name in ["CapDrop", "CapAdd", "SecurityOpt", "IpcMode", "PidMode", "ShmSize"] {
            #expect(!body.contains(name))
        }
    }

    @Test func `what cannot be mounted is said`() {
        var info = info
        var volume = V1Volume()
        volume.containerPath = "/x"
        volume.source.type = .secret
        info.container.volumes = [volume]
        #expect(MappedTask.body(info).hasPrefix("Volume source type "))
        volume.source.type = .sandboxPath
        volume.source.sandboxPath.type = .parent
        volume.source.sandboxPath.path = "p"
        info.container.volumes = [volume]
        #expect(
            MappedTask.body(info) == "PARENT type SANDBOX_PATH volumes are only supported for tasks in a task group")
        volume.source.sandboxPath.type = .self_
        info.container.volumes = [volume]
        #expect(MappedTask.body(info).contains("/runs/c1/p:/x:rw"))
        volume.clearSource()
        volume.image.type = .docker
        info.container.volumes = [volume]
        #expect(MappedTask.body(info) == "A volume made of an image is not supported")
    }

    @Test func `GPUs are counted and left to the engine to choose`() {
        var info = info
        info.resources = resources("cpus:1;mem:64;gpus:2")
        #expect(
            MappedTask.body(info).contains(#""DeviceRequests":[{"Count":2,"Capabilities":[["gpu"]]}]"#))
    }

    @Test func `resource limits of the process and shared memory`() {
        var info = info
        var open = V1RLimitInfo.RLimit()
        open.type = .rlmtNofile
        open.soft = 1024
        open.hard = 4096
        var core = V1RLimitInfo.RLimit()
        core.type = .rlmtCore
        info.container.rlimitInfo.rlimits = [open, core]
        info.container.linuxInfo.shmSize = 64
        let body = MappedTask.body(info)
        #expect(
            body.contains(
                #""Ulimits":[{"Name":"nofile","Soft":1024,"Hard":4096},{"Name":"core","Soft":-1,"Hard":-1}]"#))
        #expect(body.contains(#""ShmSize":67108864"#))
        info.container.rlimitInfo.rlimits[0].clearHard()
        #expect(MappedTask.body(info) == "Resource limit 'nofile' needs both 'soft' and 'hard', or neither")
    }

    @Test func `who may take more than it asked for goes first when the host runs short`() {
        var info = info
        var settings = DockerMappingSettings()
        settings.hostMemoryBytes = 16 << 30
        #expect(!MappedTask.body(info, settings).contains("OomScoreAdj"))
        info.resources = resources("cpus:1;mem:4064")
        info.limits["mem"] = scalar(8192)
        #expect(MappedTask.body(info, settings).contains(#""OomScoreAdj":750"#))
        info.limits["mem"] = scalar(.infinity)
        #expect(MappedTask.body(info, settings).contains(#""OomScoreAdj":750"#))
        info.limits["mem"] = scalar(4064)
        #expect(!MappedTask.body(info, settings).contains("OomScoreAdj"))
    }

    private func scalar(_ value: Double) -> V1Value.Scalar {
        var scalar = V1Value.Scalar()
        scalar.value = value
        return scalar
    }

    @Test func `name servers of the agent, for networks that have their own and tasks that name none`() throws {
        var settings = DockerMappingSettings()
        settings.dns = try ContainerDNS(
            """
            {"mesos":[],"docker":[
             {"network_mode":"BRIDGE","dns":{"nameservers":["10.0.0.2"],"search":["corp.example"],"options":["ndots:2"]}},
             {"network_mode":"USER","dns":{"nameservers":["10.0.0.3"]}},
             {"network_mode":"USER","network_name":"web","dns":{"nameservers":["10.0.0.4"]}}]}
            """)
        var info = info
        #expect(
            MappedTask.body(info, settings).contains(
                #""Dns":["10.0.0.2"],"DnsSearch":["corp.example"],"DnsOptions":["ndots:2"]"#))
        info.container.docker.parameters = [MappedTask.parameter("network", "web")]
        #expect(MappedTask.body(info, settings).contains(#""Dns":["10.0.0.4"]"#))
        info.container.docker.parameters = [MappedTask.parameter("network", "other")]
        #expect(MappedTask.body(info, settings).contains(#""Dns":["10.0.0.3"]"#))
        info.container.docker.parameters = [MappedTask.parameter("dns-search", "own.example")]
        #expect(!MappedTask.body(info, settings).contains("10.0.0.2"))
        info.container.docker.parameters = []
        info.container.docker.network = .host
        #expect(!MappedTask.body(info, settings).contains("Dns"))
    }

    @Test(arguments: [
        ("[]", "expected a JSON object"), (#"{"docker":{}}"#, "'docker' is not a list"),
        (#"{"docker":[{}]}"#, "an entry of 'docker' has no 'dns'"),
        (#"{"docker":[{"network_mode":"HOST","dns":{}}]}"#, "network_mode 'HOST' is neither BRIDGE nor USER"),
        (#"{"docker":[{"dns":{}},{"dns":{}}]}"#, "BRIDGE is there twice"),
        (#"{"docker":[{"dns":{"search":[1]}}]}"#, "'search' holds what is no text"),
    ])
    func `name servers that make no sense`(text: String, expected: String) {
        #expect(throws: DockerOptionsError(expected)) { try ContainerDNS(text) }
    }

    @Test func `the image of an entrypoint that interprets one argument`() {
        var info = info
        // ENTRYPOINT ["bash","--login","--","/tmp/entrypoint.sh"]; the framework's whole command is one argument.
        info.command.shell = false
        info.command.clearValue()
        info.command.arguments = ["wget -O agent.jar http://j/agent.jar && java -jar agent.jar"]
        let body = MappedTask.body(info)
        #expect(body.contains(#""Cmd":["wget -O agent.jar http://j/agent.jar && java -jar agent.jar"]"#))
        #expect(!body.contains("Entrypoint"))
        // A custom shell is the program, and what it is to run the last argument.
        info.command.value = "-c"
        #expect(body != MappedTask.body(info))
        #expect(MappedTask.body(info).contains(#""Cmd":["-c","wget"#))
    }
}
