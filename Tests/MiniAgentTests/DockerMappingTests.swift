// Tasks as the Engine's create call, written out.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct DockerMappingTests {
    private func launch(_ info: V1TaskInfo) -> Launch { MappedTask.launch(info) }

    private func body(_ info: V1TaskInfo, _ settings: DockerMappingSettings = .init()) -> String {
        MappedTask.body(info, settings)
    }

    private var info: V1TaskInfo { AgentConversation.info("t1", docker: true) }

    @Test func `a plain task becomes this call`() throws {
        let mapping = try DockerMapping(launch(info), workDirectory: "/w", settings: .init())
        #expect(mapping.name == "mesos-a1.c1")
        #expect(
            String(decoding: mapping.body, as: UTF8.self) == """
                {"Image":"busybox","Entrypoint":["/bin/sh"],"Cmd":["-c","sleep 100"],\
                "Env":["MESOS_SANDBOX=/mnt/mesos/sandbox","MESOS_CONTAINER_NAME=mesos-a1.c1","MESOS_TASK_ID=t1"],\
                "Labels":{"org.mini-mesos.agent_id":"a1","org.mini-mesos.container_id":"c1",\
                "org.mini-mesos.framework_id":"f1","org.mini-mesos.task_id":"t1","org.mini-mesos.work_dir":"/w"},\
                "HostConfig":{"NetworkMode":"host","Mounts":[{"Type":"bind",\
                "Source":"/w/slaves/a1/frameworks/f1/executors/t1/runs/c1","Target":"/mnt/mesos/sandbox"}],\
                "CpuShares":1024,"Memory":167772160,"MemorySwap":167772160,\
                "LogConfig":{"Type":"local","Config":{"max-size":"1000p"}}}}
                """)
    }

    @Test func `with a shell the image's entrypoint gives way, without one it stays`() {
        var info = info
        info.command.shell = false
        info.command.value = "prog"
        info.command.arguments = ["a", "b c"]
        #expect(body(info).contains(#""Cmd":["prog","a","b c"]"#))
        #expect(!body(info).contains("Entrypoint"))
        info.command.clearValue()
        info.command.arguments = ["exec java -jar x"]
        #expect(body(info).contains(#""Cmd":["exec java -jar x"]"#))
        info.command.arguments = []
        #expect(!body(info).contains("Cmd"))
        info.command.shell = true
        #expect(body(info) == "Shell specified but no command value provided")
    }

    @Test func `the task's variables come first and cannot hide those of Mesos`() {
        var info = info
        for (name, value) in [("A", "1"), ("MESOS_SANDBOX", "mine"), ("A", "2")] {
            var variable = V1Environment.Variable()
            variable.name = name
            variable.value = value
            info.command.environment.variables.append(variable)
        }
        info.resources[0].allocationInfo.role = "eng"
        #expect(
            body(info).contains(
                #""Env":["A=2","MESOS_SANDBOX=/mnt/mesos/sandbox","MESOS_CONTAINER_NAME=mesos-a1.c1","#
                    + #""MESOS_TASK_ID=t1","MESOS_ALLOCATION_ROLE=eng"]"#))
    }

    @Test func `cpus are shares, and a cap where asked for`() {
        var info = info
        var settings = DockerMappingSettings()
        settings.enforcesCPUQuota = true
        #expect(body(info, settings).contains(#""CpuShares":1024,"CpuPeriod":100000,"CpuQuota":100000"#))
        info.resources = (try? Resources.parse("cpus:0.001;mem:16", defaultRole: .any))?.protobuf() ?? []
        #expect(body(info).contains(#""CpuShares":2,"Memory":50331648,"MemorySwap":50331648"#))
        info.limits["cpus"] = scalar(0.5)
        info.limits["mem"] = scalar(.infinity)
        #expect(body(info).contains(#""CpuQuota":50000,"MemoryReservation":50331648,"LogConfig""#))
        info.limits["mem"] = scalar(256)
        #expect(body(info).contains(#""Memory":301989888,"MemoryReservation":50331648,"MemorySwap":301989888"#))
    }

    private func scalar(_ value: Double) -> V1Value.Scalar {
        var scalar = V1Value.Scalar()
        scalar.value = value
        return scalar
    }

    @Test func `networks`() {
        var info = info
        info.container.docker.network = .bridge
        #expect(body(info).contains(#""NetworkMode":"bridge""#))
        info.container.docker.network = .none
        #expect(body(info).contains(#""NetworkMode":"none""#))
        info.container.docker.network = .user
        #expect(body(info) == "No network info found in container info")
        info.container.networkInfos = [V1NetworkInfo()]
        #expect(body(info) == "No network name found in network info")
        info.container.networkInfos[0].name = "backend"
        #expect(body(info).contains(#""NetworkMode":"backend""#))
        info.container.networkInfos.append(V1NetworkInfo())
        #expect(body(info) == "Only a single network can be defined in Docker run")
    }

    @Test func `port mappings need offered ports and a network that has them`() {
        var info = info
        var mapping = V1ContainerInfo.DockerInfo.PortMapping()
        mapping.hostPort = 31_005
        mapping.containerPort = 8080
        mapping.protocol = "TCP"
        info.container.docker.portMappings = [mapping]
        #expect(body(info) == "Port mappings are only supported for bridge and user-defined networks")
        info.container.docker.network = .bridge
        #expect(body(info) == "Port mappings require port resources")
        info.resources =
            (try? Resources.parse("cpus:1;mem:64;ports:[31000-31004]", defaultRole: .any))?.protobuf() ?? []
        #expect(body(info) == "Port [31005] not included in resources")
        info.resources =
            (try? Resources.parse("cpus:1;mem:64;ports:[31000-31005]", defaultRole: .any))?.protobuf() ?? []
        #expect(body(info).contains(#""ExposedPorts":{"8080/tcp":{}}"#))
        #expect(body(info).contains(#""PortBindings":{"8080/tcp":[{"HostPort":"31005"}]}"#))
    }

    private func volume(_ host: String?, _ container: String, _ mode: V1Volume.Mode = .rw) -> V1Volume {
        var volume = V1Volume()
        volume.mode = mode
        volume.containerPath = container
        if let host { volume.hostPath = host }
        return volume
    }

    @Test func `volumes`() {
        var info = info
        info.container.volumes = [volume("/data", "/d", .ro), volume("cache", "/c"), volume("/x", "rel")]
        #expect(
            body(info).contains(
                #""Binds":["/data:/d:ro","/w/slaves/a1/frameworks/f1/executors/t1/runs/c1/cache:/c:rw","#
                    + #""/x:/mnt/mesos/sandbox/rel:rw"]"#))
        info.container.volumes = [volume("a", "b")]
        #expect(body(info) == "Both host_path 'a' and container_path 'b' of a volume are relative")
        info.container.volumes = [volume("../../etc", "/b")]
        #expect(body(info) == "Volume path '../../etc' leads out of the sandbox")
        info.container.volumes = [volume(nil, "/b")]
        #expect(body(info) == "Host path or volume source is required")
        var named = volume(nil, "/b")
        named.source.type = .dockerVolume
        named.source.dockerVolume.name = "vol"
        named.source.dockerVolume.driver = "local"
        info.container.volumes = [named]
        #expect(body(info).contains(#""Binds":["vol:/b:rw"]"#))
        #expect(body(info).contains(#""VolumeDriver":"local""#))
    }

    @Test func `a hostname, unless the network is the host's`() {
        var info = info
        info.container.hostname = "box"
        #expect(body(info) == "Unable to set hostname with host network mode")
        info.container.docker.network = .bridge
        #expect(body(info).contains(#""Hostname":"box""#))
    }

    private func parameter(_ key: String, _ value: String) -> V1Parameter { MappedTask.parameter(key, value) }

    @Test func `parameters are translated, and an unknown one is named`() {
        var info = info
        info.container.docker.privileged = true
        info.container.docker.parameters = [
            parameter("user", "1000:1000"), parameter("workdir", "/srv"), parameter("dns", "10.0.0.2"),
            parameter("dns", "10.0.0.3"), parameter("ulimit", "nofile=10:20"), parameter("shm-size", "64m"),
            parameter("network", "web"), parameter("env", "X=1"), parameter("rm", "true"), parameter("init", ""),
        ]
        let text = body(info)
        for part in [
            #""User":"1000:1000""#, #""WorkingDir":"/srv""#, #""Dns":["10.0.0.2","10.0.0.3"]"#,
            #""Ulimits":[{"Name":"nofile","Soft":10,"Hard":20}]"#, #""ShmSize":67108864"#, #""NetworkMode":"web""#,
            #""X=1""#, #""Privileged":true"#, #""Init":true"#,
        ] { #expect(text.contains(part), "\(part) in \(text)") }
        for (parameter, message) in [
            (parameter("host-ptrace", "1"), "Parameter 'host-ptrace' is not supported"),
            (parameter("name", "x"), "Parameter 'name' is not supported"),
            (parameter("shm-size", "lots"), "Parameter 'shm-size' needs a size such as 64m, not 'lots'"),
            (parameter("shm-size", "99999999999g"), "Parameter 'shm-size' is too large: '99999999999g'"),
            (parameter("ulimit", "nofile"), "Parameter 'ulimit' needs name=soft:hard, not 'nofile'"),
            (parameter("label", "org.mini-mesos.agent_id=x"), "Parameter 'label' may not set org.mini-mesos.agent_id"),
        ] {
            info.container.docker.parameters = [parameter]
            #expect(body(info) == message)
        }
    }

    @Test(arguments: [
        ("busybox", "busybox", "latest"), ("busybox:1", "busybox", "1"),
        ("host:5000/lib/x", "host:5000/lib/x", "latest"), ("host:5000/lib/x:v2", "host:5000/lib/x", "v2"),
        ("x@sha256:ab", "x", "sha256:ab"), ("host:5000/x:v1@sha256:ab", "host:5000/x", "sha256:ab"),
    ])
    func `image names are taken apart`(name: String, repository: String, tag: String) {
        #expect(ImageReference(name).repository == repository)
        #expect(ImageReference(name).tag == tag)
    }
}

/// A task mapped to the body of the create call, or to why it cannot be.
enum MappedTask {
    static func launch(_ info: V1TaskInfo, workDirectory: String = "/w") -> Launch {
        let key = TaskKey(framework: AgentConversation.framework, task: TaskID(info.taskID.value))
        let agent = AgentConversation.agentID
        return Launch(
            record: TaskRecord(key: key, info: info, container: ContainerID("c1"), containerizer: .docker),
            framework: AgentConversation.frameworkInfo(), agent: agent,
            run: AgentPaths(workDirectory: workDirectory).run(agent, key, ContainerID("c1")))
    }

    static func body(
        _ info: V1TaskInfo, _ settings: DockerMappingSettings = .init(), workDirectory: String = "/w"
    ) -> String {
        do {
            let mapping = try DockerMapping(
                launch(info, workDirectory: workDirectory), workDirectory: workDirectory, settings: settings)
            return String(decoding: mapping.body, as: UTF8.self)
        } catch { return "\(error)" }
    }

    static func parameter(_ key: String, _ value: String) -> V1Parameter {
        var parameter = V1Parameter()
        parameter.key = key
        parameter.value = value
        return parameter
    }
}
