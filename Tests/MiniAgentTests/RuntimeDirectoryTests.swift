// What an agent keeps outside its work directory: `--runtime_dir` and the slice of `--systemd_enable_support`.

import Glibc
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct RuntimeDirectoryTests {
    private let directory = TemporaryDirectory()

    private func agent(_ name: String) throws -> AgentPaths {
        var paths = AgentPaths(workDirectory: "\(directory.path)/\(name)")
        paths.runtime = try RuntimeDirectory.folder(in: "\(directory.path)/run", workDirectory: paths.workDirectory)
        return paths
    }

    @Test func `agents of one host share a runtime directory, and each finds its own again`() throws {
        let (one, other) = (try agent("one"), try agent("other"))
        #expect(one.sessions.hasPrefix("\(directory.path)/run/agent-"))
        #expect(one.sessions != other.sessions)
        #expect(try agent("one").sessions == one.sessions)
    }

    @Test func `what sessions of an earlier life left is removed, also where it was without the flag`() throws {
        let paths = try agent("one")
        let neighbour = try agent("other")
        let left = [paths, neighbour].map { "\($0.sessions)/1" } + ["\(paths.workDirectory)/meta/sessions/1"]
        for folder in left {
            try DurableFile.makeDirectories(folder)
            try CgroupFile.write("", to: "\(folder)/pid")
        }
        ProcessSessions.clean(paths)
        #expect(left.map { access($0, F_OK) == 0 } == [false, true, false])
    }

    @Test func `an agent that stops leaves nothing in the runtime directory`() throws {
        let paths = try agent("one")
        try DurableFile.makeDirectories("\(paths.sessions)/1")
        ProcessSessions.leave(paths)
        #expect(DurableFile.names(in: "\(directory.path)/run") == [])
    }

    @Test func `a runtime directory that cannot be one is named`() throws {
        try CgroupFile.write("", to: "\(directory.path)/file")
        #expect(throws: FileError.self) {
            try RuntimeDirectory.folder(in: "\(directory.path)/file/run", workDirectory: "/w")
        }
    }

    // MARK: The slice

    private func makeGroup(_ path: String) throws -> String {
        let group = "\(directory.path)/\(path)/\(ExecutorsSlice.unit)"
        try DurableFile.makeDirectories(group)
        try CgroupFile.write("", to: "\(group)/cgroup.procs")
        return "\(group)/cgroup.procs"
    }

    @Test func `with one tree of control groups a process enters the slice beside systemd`() throws {
        let entrance = try makeGroup("")
        let slice = ExecutorsSlice(mount: directory.path, initGroups: "0::/init.scope\n")
        #expect(slice?.entrances.map { $0.replacing("//", with: "/") } == [entrance.replacing("//", with: "/")])
    }

    @Test func `with a tree for each controller it enters those by which systemd knows it`() throws {
        let entrances = [try makeGroup("systemd/docker/c1"), try makeGroup("unified/docker/c1")]
        _ = try makeGroup("memory/docker/c1")
        let slice = ExecutorsSlice(
            mount: directory.path,
            initGroups: "4:memory:/docker/c1\n1:name=systemd:/docker/c1/init.scope\n0::/docker/c1/init.scope\n")
        #expect(slice?.entrances == entrances)
    }

    @Test func `without the slice's control group a process stays where it is`() throws {
        #expect(ExecutorsSlice(mount: directory.path, initGroups: "0::/init.scope\n") == nil)
        let entrance = try makeGroup("systemd")
        let slice = ExecutorsSlice(mount: directory.path, initGroups: "1:name=systemd:/\n")
        unlink(entrance)
        #expect(slice?.entrances == [])
    }

    @Test func `the slice's unit is written once, and an operator's is kept`() throws {
        #expect(try ExecutorsSlice.writeUnit(in: "\(directory.path)/units"))
        let path = "\(directory.path)/units/mesos_executors.slice"
        #expect(CgroupFile.read(path)?.contains("[Unit]") == true)
        try CgroupFile.write("[Slice]", to: path)
        #expect(try !ExecutorsSlice.writeUnit(in: "\(directory.path)/units"))
        #expect(CgroupFile.read(path) == "[Slice]")
    }
}
