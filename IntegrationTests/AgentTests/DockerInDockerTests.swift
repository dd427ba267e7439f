// Tasks that use an engine themselves: the host's, through its socket, or one that they could run.

import Foundation
import HTTPClient
import MesosProtocol
import MiniAgent
import Resources
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct DockerInDockerTests {
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
            // The host's programs, whatever the image has.
            task.container.volumes = ["/usr", "/lib", "/lib64"].filter(FileManager.default.fileExists(atPath:)).map {
                Self.volume($0, at: $0, .ro)
            }
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
