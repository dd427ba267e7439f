// Every option of `docker run` that a task may pass, as the Engine's create call.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct DockerParameterTests {
    private func task(_ parameters: [(String, String)], network: V1ContainerInfo.DockerInfo.Network = .bridge)
        -> V1TaskInfo
    {
        var info = AgentConversation.info("t1", docker: true)
        info.container.docker.network = network
        info.container.docker.parameters = parameters.map { MappedTask.parameter($0.0, $0.1) }
        return info
    }

    @Test(arguments: [
        ("add-host", "a:10.0.0.1", #""ExtraHosts":["a:10.0.0.1"]"#),
        ("annotation", "a=b", #""Annotations":{"a":"b"}"#),
        ("blkio-weight", "300", #""BlkioWeight":300"#),
        ("cap-add", "NET_ADMIN", #""CapAdd":["NET_ADMIN"]"#),
        ("cap-drop", "ALL", #""CapDrop":["ALL"]"#),
        ("cgroup-parent", "/x", #""CgroupParent":"/x""#),
        ("cgroupns", "private", #""CgroupnsMode":"private""#),
        ("cpu-period", "50000", #""CpuPeriod":50000"#),
        ("cpu-quota", "25000", #""CpuPeriod":100000,"CpuQuota":25000"#),
        ("cpu-shares", "512", #""CpuShares":512"#),
        ("cpus", "1.5", #""CpuPeriod":100000,"CpuQuota":150000"#),
        ("cpuset-cpus", "0-1", #""CpusetCpus":"0-1""#),
        ("cpuset-mems", "0", #""CpusetMems":"0""#),
        (
            "device", "/dev/fuse:/dev/f:rw",
            #""Devices":[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/f","CgroupPermissions":"rw"}]"#
        ),
        ("device-cgroup-rule", "c 1:3 mr", #""DeviceCgroupRules":["c 1:3 mr"]"#),
        ("dns", "10.0.0.2", #""Dns":["10.0.0.2"]"#),
        ("dns-search", "corp.example", #""DnsSearch":["corp.example"]"#),
        ("dns-opt", "ndots:2", #""DnsOptions":["ndots:2"]"#),
        ("dns-option", "ndots:2", #""DnsOptions":["ndots:2"]"#),
        ("domainname", "corp.example", #""Domainname":"corp.example""#),
        ("entrypoint", "/run.sh", #""Entrypoint":["/run.sh"]"#),
        ("env", "A=b=c", #""A=b=c""#),
        ("expose", "80", #""ExposedPorts":{"80/tcp":{}}"#),
        ("gpus", "2", #""DeviceRequests":[{"Count":2,"Capabilities":[["gpu"]]}]"#),
        ("gpus", "all", #""DeviceRequests":[{"Count":-1,"Capabilities":[["gpu"]]}]"#),
        ("gpus", "device=0,1", #""DeviceRequests":[{"DeviceIDs":["0","1"],"Capabilities":[["gpu"]]}]"#),
        ("group-add", "docker", #""GroupAdd":["docker"]"#),
        ("hostname", "box", #""Hostname":"box""#),
        ("init", "true", #""Init":true"#),
        ("interactive", "", #""OpenStdin":true"#),
        ("ip", "172.20.0.9", #""EndpointsConfig":{"bridge":{"IPAMConfig":{"IPv4Address":"172.20.0.9"}}}"#),
        ("ip6", "fd00::9", #"{"IPAMConfig":{"IPv6Address":"fd00::9"}}"#),
        ("ipc", "host", #""IpcMode":"host""#),
        ("label", "team=ci", #""team":"ci""#),
        ("link", "db:db", #""Links":["db:db"]"#),
        ("log-driver", "syslog", #""LogConfig":{"Type":"syslog","Config":{}}"#),
        ("log-opt", "max-size=1m", #""LogConfig":{"Type":"local","Config":{"max-size":"1m"}}"#),
        ("mac-address", "02:42:ac:11:00:02", #""MacAddress":"02:42:ac:11:00:02""#),
        ("memory", "64m", #""Memory":67108864,"MemorySwap":67108864"#),
        ("memory-reservation", "1g", #""MemoryReservation":1073741824"#),
        ("memory-swap", "-1", #""MemorySwap":-1"#),
        ("memory-swappiness", "0", #""MemorySwappiness":0"#),
        ("net", "web", #""NetworkMode":"web""#),
        ("network-alias", "api", #""EndpointsConfig":{"bridge":{"Aliases":["api"]}}"#),
        ("oom-kill-disable", "true", #""OomKillDisable":true"#),
        ("oom-score-adj", "500", #""OomScoreAdj":500"#),
        ("pid", "host", #""PidMode":"host""#),
        ("pids-limit", "100", #""PidsLimit":100"#),
        ("privileged", "true", #""Privileged":true"#),
        ("publish", "8080:80", #""PortBindings":{"80/tcp":[{"HostPort":"8080"}]}"#),
        ("publish", "127.0.0.1:8080:80/UDP", #""80/udp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]"#),
        ("publish", "80", #""80/tcp":[{"HostPort":""}]"#),
        ("publish-all", "true", #""PublishAllPorts":true"#),
        ("read-only", "true", #""ReadonlyRootfs":true"#),
        ("runtime", "nvidia", #""Runtime":"nvidia""#),
        ("security-opt", "seccomp=unconfined", #""SecurityOpt":["seccomp=unconfined"]"#),
        ("shm-size", "64m", #""ShmSize":67108864"#),
        ("stop-signal", "SIGINT", #""StopSignal":"SIGINT""#),
        ("stop-timeout", "3", #""StopTimeout":3"#),
        ("storage-opt", "size=10G", #""StorageOpt":{"size":"10G"}"#),
        ("sysctl", "net.core.somaxconn=1024", #""Sysctls":{"net.core.somaxconn":"1024"}"#),
        ("tmpfs", "/t:size=1m", #""Tmpfs":{"/t":"size=1m"}"#),
        ("tty", "true", #""Tty":true"#),
        ("ulimit", "nofile=10:20", #""Ulimits":[{"Name":"nofile","Soft":10,"Hard":20}]"#),
        ("user", "1000:1000", #""User":"1000:1000""#),
        ("userns", "host", #""UsernsMode":"host""#),
        ("uts", "host", #""UTSMode":"host""#),
        ("volume", "/a:/b:ro", #""Binds":["/a:/b:ro"]"#),
        ("volume-driver", "nfs", #""VolumeDriver":"nfs""#),
        ("volumes-from", "other:ro", #""VolumesFrom":["other:ro"]"#),
        ("workdir", "/srv", #""WorkingDir":"/srv""#),
        ("restart", "always", #""NetworkMode":"bridge""#),
        ("rm", "true", #""NetworkMode":"bridge""#),
    ])
    func `a parameter becomes`(key: String, value: String, expected: String) {
        let body = MappedTask.body(task([(key, value)]))
        #expect(body.contains(expected), "\(key)=\(value): \(body)")
        #expect(DockerOptions.parameters.contains(key))
    }

    @Test(arguments: [
        ("host-ptrace", "1", "Parameter 'host-ptrace' is not supported"),
        ("name", "x", "Parameter 'name' is not supported"),
        ("shm-size", "lots", "Parameter 'shm-size' needs a size such as 64m, not 'lots'"),
        ("shm-size", "9999999999g", "Parameter 'shm-size' is too large: '9999999999g'"),
        ("label", "org.mini-mesos.agent_id=x", "Parameter 'label' may not set org.mini-mesos.agent_id"),
        ("pids-limit", "many", "Parameter 'pids-limit' needs a whole number, not 'many'"),
        ("init", "maybe", "Parameter 'init' needs true or false, not 'maybe'"),
        ("cpus", "nan", "Parameter 'cpus' needs a number, not 'nan'"),
        ("device", "sda", "Parameter 'device' needs a path, not 'sda'"),
        ("ulimit", "nofile", "Parameter 'ulimit' needs name=soft:hard, not 'nofile'"),
        ("gpus", "some", "Parameter 'gpus' needs all, a number or device=..., not 'some'"),
        ("publish", "a:b", "Parameter 'publish' needs host:container/protocol, not 'a:b'"),
        ("network", "", "Parameter 'network' names no network"),
    ])
    func `what makes no sense is named`(key: String, value: String, expected: String) {
        #expect(MappedTask.body(task([(key, value)])) == expected)
    }

    @Test func `the first network parameter takes the place of the task's network, the others come on top`() throws {
        let info = task([("net", "web"), ("network", "db"), ("network", "queue")])
        let mapping = try DockerMapping(MappedTask.launch(info), workDirectory: "/w", settings: .init())
        #expect(String(decoding: mapping.body, as: UTF8.self).contains(#""NetworkMode":"web""#))
        #expect(mapping.furtherNetworks == ["db", "queue"])
    }

    @Test func `an operator can allow only some`() {
        var settings = DockerMappingSettings()
        settings.allowedParameters = ["user", "env"]
        #expect(MappedTask.body(task([("user", "7")]), settings).contains(#""User":"7""#))
        #expect(
            MappedTask.body(task([("privileged", "true")]), settings)
                == "Parameter 'privileged' is not allowed by this agent")
    }

    @Test func `a MAC address goes where the engine's version expects it`() {
        var settings = DockerMappingSettings()
        settings.engine = DockerEngineInfo(version: .init(major: 1, minor: 44), isPodman: false)
        let body = MappedTask.body(task([("mac-address", "02:42:ac:11:00:02")]), settings)
        #expect(body.contains(#""EndpointsConfig":{"bridge":{"MacAddress":"02:42:ac:11:00:02"}}"#))
    }

    @Test func `Podman is left its own log driver`() {
        var settings = DockerMappingSettings()
        settings.engine = DockerEngineInfo(version: .init(major: 1, minor: 41), isPodman: true)
        #expect(!MappedTask.body(task([]), settings).contains("LogConfig"))
    }
}
