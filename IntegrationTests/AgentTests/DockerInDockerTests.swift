// Tasks that use an engine themselves: the host's, through its socket, or one that they could run.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct DockerInDockerTests {
    /// Whatever the image has.
    private static var programsOfTheHost: [V1Volume] {
        ["/usr", "/lib", "/lib64"].filter(FileManager.default.fileExists(atPath:)).map { volume($0, at: $0, .ro) }
    }

    private static func volume(_ host: String, at path: String, _ mode: V1Volume.Mode) -> V1Volume {
        var volume = V1Volume()
        volume.hostPath = host
        volume.containerPath = path
        volume.mode = mode
        return volume
    }

    @Test func `a task that is given the engine's socket finds itself there, and runs a container beside it`()
        async throws
    {
        try await AgentHost.with { host in
            let script = """
                ask() { /usr/bin/curl -sS -H 'Content-Type: application/json' --unix-socket /engine.sock "$@"; }
                ask http://docker/containers/$MESOS_CONTAINER_NAME/json >mine
                id=$(ask -d '{"Image":"\(BusyboxImage.name)","Cmd":["sh","-c","exit 5"],"NetworkDisabled":true}' \
                    http://docker/containers/create) && id=${id#*'"Id":"'} && id=${id%%'"'*}
                ask -X POST http://docker/containers/$id/start
                ask -X POST http://docker/containers/$id/wait
                ask -X DELETE http://docker/containers/$id
                """
            var task = AgentHost.docker("outer", "cd $MESOS_SANDBOX; \(script)")
            task.container.volumes = Self.programsOfTheHost
            task.container.volumes.append(Self.volume(BusyboxImage.socket, at: "/engine.sock", .rw))
            host.master.run(task)
            let running = try await host.master.update("outer", .taskRunning)
            #expect(try await host.master.end(of: "outer").state == .taskFinished)
            let mine = try await host.read("mine", of: "outer")
            #expect(mine.contains(running.containerStatus.containerID.value), "\(mine.prefix(300))")
            let told = try await host.read("stdout", of: "outer")
            let complaints = try await host.read("stderr", of: "outer")
            #expect(told.contains(#""StatusCode":5"#), "\(told)\(complaints)")
        }
    }

    @Test func `a privileged task may do what the host may, and one without privileges may not`() async throws {
        try await OwnEngine.with(isWithinBounds: true) { engine in
            try await AgentHost.with(dockerSocket: engine.socket) { host in
                let script = """
                    busybox grep CapEff /proc/self/status
                    [ -c /dev/kmsg ] && echo devices
                    busybox mount -t tmpfs none /mnt && echo mounted
                    """
                var task = AgentHost.docker("mighty", script)
                task.container.docker.privileged = true
                host.master.run(task)
                let end = try await host.master.end(of: "mighty")
                #expect(end.state == .taskFinished, "\(end.message)")
                let told = try await host.read("stdout", of: "mighty").split(separator: "\n")
                #expect(told.dropFirst() == ["devices", "mounted"])
                let granted = told.first?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
                let administration: UInt64 = 1 << 21
                #expect(granted & administration != 0, "\(told)")

                task.taskID.value = "meek"
                task.container.docker.privileged = false
                host.master.run(task)
                #expect(try await host.master.end(of: "meek").message == "Container exited with status 1")
                let meek = try await host.read("stdout", of: "meek").split(separator: "\n")
                #expect(meek.count == 1, "neither devices nor mounts: \(meek)")
            }
        }
    }

    /// A privileged task with an engine of its own, whose data are in the task's sandbox; the engine's log too.
    private static func nested(_ name: String, _ script: String) -> V1TaskInfo {
        let engine = """
            export PATH=/usr/sbin:/usr/bin:/bin
            mkdir -p /run /var/run
            cd /sys/fs/cgroup
            if [ -f cgroup.controllers ]; then
                mkdir -p own
                for pid in $(cat cgroup.procs); do echo $pid >own/cgroup.procs; done 2>/dev/null
                for controller in $(cat cgroup.controllers); do echo +$controller >cgroup.subtree_control; done
            fi
            cd $MESOS_SANDBOX
            dockerd --iptables=false --ip6tables=false --bridge=none >engine.log 2>&1 &
            ask() { curl -sS -H 'Content-Type: application/json' --unix-socket /var/run/docker.sock "$@"; }
            until ask http://docker/_ping >/dev/null 2>&1; do sleep 0.1; done
            busybox tar -c /bin/busybox 2>/dev/null | ask -H 'Content-Type: application/x-tar' --data-binary @- \
                'http://docker/images/create?fromSrc=-&repo=inner&tag=1' >image.log
            run() {
                id=$(ask -d '{"Image":"inner:1","Cmd":["/bin/busybox","sh","-c","'"$1"'"],"NetworkDisabled":true}' \
                    http://docker/containers/create) && id=${id#*'"Id":"'} && id=${id%%'"'*}
                ask -X POST http://docker/containers/$id/start
                ask -X POST http://docker/containers/$id/wait
            }

            """
        var task = AgentHost.docker(name, engine + script, mem: 512)
        task.container.docker.privileged = true
        task.container.volumes = programsOfTheHost + [volume("docker", at: "/var/lib/docker", .rw)]
        return task
    }

    @Test func `Docker in Docker: a privileged task runs an engine in its sandbox, and containers in that`()
        async throws
    {
        try await OwnEngine.with(isWithinBounds: true) { engine in
            try await AgentHost.with(dockerSocket: engine.socket) { host in
                host.master.run(Self.nested("outer", "run 'exit 5'; run 'exit 6'"))
                let end = try await host.master.end(of: "outer", within: .seconds(60))
                let told = try await host.read("stdout", of: "outer")
                let log = "\(told) \(try await host.read("engine.log", of: "outer").suffix(2000))"
                #expect(end.state == .taskFinished, "\(end.message): \(log)")
                #expect(told.contains(#""StatusCode":5"#) && told.contains(#""StatusCode":6"#), "\(log)")
                #expect(Self.innerContainers(of: "outer", host) == 2, "the inner engine's data are in the sandbox")
                try await wait("the outer container is gone") { try await host.containers().isEmpty ? true : nil }
            }
        }
    }

    @Test func `a killed task takes the engine that it ran with it, and that engine's containers`() async throws {
        try await OwnEngine.with(isWithinBounds: true) { engine in
            try await AgentHost.with(dockerSocket: engine.socket) { host in
                // No other program on this host has these words.
                let mark = "/bin/busybox sleep \(Int.random(in: 1_000_000...9_999_999))"
                host.master.run(Self.nested("outer", "run '\(mark)'"))
                let inner = try await wait("the inner container", .seconds(60)) { Self.processes(with: mark).first }
                let groups = try String(contentsOfFile: "/proc/\(inner)/cgroup", encoding: .utf8)
                let memory = groups.split(separator: "\n").first { $0.contains("memory") || $0.hasPrefix("0::") } ?? ""
                let outer = try #require(try await host.containers().first)
                #expect(memory.contains(outer.id), "the task's limits hold for what it runs: \(groups)")
                host.master.kill("outer", grace: .zero)
                #expect(try await host.master.end(of: "outer").state == .taskKilled)
                try await wait("the end of the inner container") { Self.processes(with: mark).isEmpty ? true : nil }
                try await wait("the outer container is gone") { try await host.containers().isEmpty ? true : nil }
            }
        }
    }

    private static func innerContainers(of task: String, _ host: AgentHost) -> Int {
        let path = "\(host.workDirectory)/slaves/\(host.master.agentID)/frameworks/test-F0/executors/\(task)"
        let containers = "\(path)/runs/latest/docker/containers"
        return (try? FileManager.default.contentsOfDirectory(atPath: containers))?.count ?? 0
    }

    private static func processes(with words: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.filter { name in
            let command = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") ?? Data()
            return command.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
                == words
        }
    }

    @Test func `a privileged task is the engine's business: it may do everything, or the engine says why not`()
        async throws
    {
        try await AgentHost.with { host in
            let refusal = try await Self.refusalOfPrivilege()
            var task = AgentHost.docker("mighty", "busybox mount -t tmpfs none /mnt && echo mounted")
            task.container.docker.privileged = true
            host.master.run(task)
            let end = try await host.master.end(of: "mighty")
            if let refusal {
                #expect(end.state == .taskFailed)
                #expect(end.message.hasPrefix("Failed to run container: "), "\(end.message)")
                #expect(refusal.contains("caps") == end.message.contains("caps"), "\(refusal) <> \(end.message)")
            } else {
                #expect(end.state == .taskFinished, "\(end.message)")
                #expect(try await host.read("stdout", of: "mighty") == "mounted\n")
            }
            task.taskID.value = "meek"
            task.container.docker.privileged = false
            host.master.run(task)
            #expect(try await host.master.end(of: "meek").message == "Container exited with status 1")
        }
    }

    /// Why this host's engine starts no privileged containers; nil: it does. One that runs in a container itself may not.
    private static func refusalOfPrivilege() async throws -> String? {
        let made = try await BusyboxImage.json(
            "POST", "/containers/create",
            body: #"{"Image":"\#(BusyboxImage.name)","Cmd":["true"],"HostConfig":{"Privileged":true}}"#)
        guard let object = try JSONSerialization.jsonObject(with: Data(made.body)) as? [String: Any],
            let id = object["Id"] as? String
        else { throw Timeout(description: "no container to try privilege with: \(made.text)") }
        let started = try await BusyboxImage.call("POST", "/containers/\(id)/start")
        _ = try await BusyboxImage.call("DELETE", "/containers/\(id)?force=1")
        return started.status == 204 ? nil : started.text
    }
}
