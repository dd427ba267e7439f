// Reservations and volumes at the agent: on disk before anybody hears of them, there again after a restart.

import Glibc
import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct OperationTests {
    private static let settings = AgentSettings(
        resources: (try? Resources.parse("cpus:4;mem:4096;disk:1000;ports:[31000-32000]", defaultRole: .any))
            ?? Resources(),
        containerizers: [.docker, .process])

    private static func id(_ number: UInt8) -> WireUUID {
        WireUUID(bytes: [UInt8](repeating: number, count: 16)) ?? .random()
    }

    static func reserved(_ text: String) -> [V1Resource] {
        ((try? Resources.parse(text, defaultRole: .any))?.protobuf() ?? []).map { resource in
            var reserved = resource
            var reservation = V1Resource.ReservationInfo()
            reservation.type = .dynamic
            reservation.role = "dev"
            reserved.reservations = [reservation]
            return reserved
        }
    }

    static func volume(_ name: String, megabytes: Double = 64, at path: String = "data") -> V1Resource {
        var volume = reserved("disk:1")[0]
        volume.scalar.value = megabytes
        volume.disk.persistence.id = name
        volume.disk.volume.containerPath = path
        volume.disk.volume.mode = .rw
        return volume
    }

    static func operation(
        _ type: V1Offer.Operation.TypeEnum, _ resources: [V1Resource], id: String? = nil
    ) -> V1Offer.Operation {
        var operation = V1Offer.Operation()
        operation.type = type
        if let id { operation.id.value = id }
        switch type {
        case .reserve: operation.reserve.resources = resources
        case .unreserve: operation.unreserve.resources = resources
        case .create: operation.create.volumes = resources
        default: operation.destroy.volumes = resources
        }
        return operation
    }

    private static func talk(recovering plan: RecoveryPlan = RecoveryPlan()) -> AgentConversation {
        var talk = AgentConversation(settings: settings, recovering: plan)
        talk.register()
        return talk
    }

    private static func reserve(_ number: UInt8, _ text: String, id: String? = "op") -> MasterCommand {
        .applyOperation(Self.id(number), AgentConversation.framework, operation(.reserve, reserved(text), id: id))
    }

    @Test func `an operation is on disk before it is confirmed, and what follows it waits`() {
        var talk = Self.talk()
        talk.holdsDisk = true
        #expect(talk.command(Self.reserve(1, "cpus:1")).words == ["write resources"])
        #expect(talk.core.total == Self.settings.resources)
        #expect(talk.launch("t1").words == [])
        #expect(talk.flush().words == ["send OPERATION_FINISHED", "write framework", "write task", "prepare"])
        #expect(talk.core.total.reservedRoles == [try? RoleName("dev")])
    }

    @Test func `the agent does not register while a change is on its way to disk`() {
        var talk = Self.talk()
        talk.holdsDisk = true
        talk.command(Self.reserve(1, "cpus:1"))
        talk.happen(.linkLost(talk.openLink, reason: "broken"))
        #expect(talk.happen(.timerFired(.register(talk.openLink))).words == [])
        let effects = talk.flush()
        #expect(effects.words == ["register"])
        for case .register(_, _, let registration) in effects {
            #expect(registration.total?.reservedRoles.map(\.value) == ["dev"])
            #expect(registration.operations.map(\.status.state) == [.operationFinished])
        }
    }

    @Test func `an outcome is repeated after 10, 20 and 40 seconds until it is acknowledged`() {
        var talk = Self.talk()
        talk.command(Self.reserve(1, "cpus:1"))
        for (send, delay) in [(1, 20), (2, 40)] {
            let effects = talk.happen(.timerFired(.retryOperation(Self.id(1), send: send)))
            #expect(effects.words == ["send OPERATION_FINISHED"])
            #expect(effects.contains(.schedule(.retryOperation(Self.id(1), send: send + 1), after: .seconds(delay))))
        }
        let status = talk.core.resources.state.operations.first?.statusID ?? Self.id(0)
        talk.command(.acknowledgeOperation(Self.id(1), status: status))
        #expect(talk.disk.resources.operations.isEmpty)
        #expect(talk.happen(.timerFired(.retryOperation(Self.id(1), send: 3))).words == [])
    }

    @Test func `an operation without an id is told once`() {
        var talk = Self.talk()
        let effects = talk.command(Self.reserve(1, "cpus:1", id: nil))
        #expect(effects.words == ["write resources", "send OPERATION_FINISHED"])
        #expect(talk.disk.resources.operations.isEmpty)
    }

    @Test func `reservations, volumes and unacknowledged outcomes survive a restart`() {
        var talk = Self.talk()
        talk.command(Self.reserve(1, "disk:100"))
        talk.command(
            .applyOperation(Self.id(2), AgentConversation.framework, Self.operation(.create, [Self.volume("v1")])))
        let total = talk.core.total
        var again = Self.talk(
            recovering: planRecovery(checkpoint: talk.disk, containers: .found([]), supervisors: .found([])))
        #expect(again.core.total == total)
        #expect(again.core.total.volumeNames.map(\.id) == ["v1"])
        #expect(again.effects.words.contains("send OPERATION_FINISHED"))
        again.command(
            .applyOperation(Self.id(3), AgentConversation.framework, Self.operation(.destroy, [Self.volume("v1")])))
        #expect(again.disk.resources.destroyed.map(\.id) == ["v1"])
        #expect(again.core.total.volumeNames.isEmpty)
    }

    @Test func `what the agent does not have cannot be reserved, and nothing changes`() {
        var talk = Self.talk()
        #expect(talk.command(Self.reserve(1, "cpus:5")).words == ["write resources", "send OPERATION_FAILED"])
        #expect(talk.core.total == Self.settings.resources)
    }

    @Test func `an unknown operation is reported as dropped when the master asks`() {
        var talk = Self.talk()
        #expect(talk.command(.reconcileOperations([Self.id(9)])).words == ["send OPERATION_DROPPED"])
    }

    @Test func `a task with a reservation the agent does not know is dropped`() {
        var talk = Self.talk()
        var info = AgentConversation.info("t1")
        info.resources += [Self.volume("v1")]
        talk.command(.runTask(AgentConversation.frameworkInfo([.partitionAware]), info))
        let last = talk.effects.sentUpdates.last
        #expect(last?.state == .taskDropped)
        #expect(last?.reason == .resourcesUnknown)
    }

    @Test func `every task of a group that is refused is answered, and the executor is said to be over`() {
        var talk = Self.talk()
        var executor = V1ExecutorInfo()
        executor.executorID.value = "e/1"
        executor.type = .custom
        let effects = talk.command(
            .runTaskGroup(
                AgentConversation.frameworkInfo(), executor,
                ["t1", "t2"].map {
                    var info = AgentConversation.info($0)
                    info.clearCommand()
                    return info
                }))
        #expect(effects.sentStates == [.taskError, .taskError])
        #expect(effects.sentUpdates.map(\.executor) == ["e/1", "e/1"])
        #expect(effects.words.contains("executor exited"))
    }

    // MARK: Room

    @Test func `a new task waits for the containers of a removed framework`() {
        var talk = Self.talk()
        var large = AgentConversation.info("old")
        large.resources = (try? Resources.parse("cpus:3;mem:128", defaultRole: .any))?.protobuf() ?? []
        talk.command(.runTask(AgentConversation.frameworkInfo(), large))
        talk.happen(.containerPrepared(talk.container("old")))
        talk.happen(.containerStarted(talk.container("old"), StartedContainer()))
        let old = talk.container("old")
        talk.command(.shutdownFramework(AgentConversation.framework))
        var other = AgentConversation.frameworkInfo()
        other.id.value = "f2"
        var next = AgentConversation.info("new")
        next.resources = (try? Resources.parse("cpus:2;mem:128", defaultRole: .any))?.protobuf() ?? []
        #expect(!talk.command(.runTask(other, next)).words.contains("prepare"))
        #expect(talk.happen(.containerExited(old, .signaled(signal: 15, coreDumped: false))).words.contains("prepare"))
    }

    @Test func `a waiting task that is killed ends at once`() {
        var talk = Self.talk()
        talk.run("old")
        talk.command(.shutdownFramework(AgentConversation.framework))
        var other = AgentConversation.frameworkInfo()
        other.id.value = "f2"
        var next = AgentConversation.info("new")
        next.resources = (try? Resources.parse("cpus:4;mem:128", defaultRole: .any))?.protobuf() ?? []
        talk.command(.runTask(other, next))
        let key = TaskKey(framework: "f2", task: "new")
        talk.command(.killTask(key, grace: nil))
        #expect(talk.effects.sentUpdates.last?.message == "Killed before delivery to the executor")
    }
}

/// The same on a real disk.
struct ResourceCheckpointTests {
    private let directory = TemporaryDirectory()
    private var paths: AgentPaths { AgentPaths(workDirectory: directory.path) }

    private static func state(_ volumes: [V1Resource], destroyed: [String] = []) -> ResourceState {
        var state = ResourceState()
        state.converted = (try? Resources(volumes)) ?? Resources()
        if let role = try? RoleName("dev") { state.destroyed = destroyed.map { VolumeName(role: role, id: $0) } }
        return state
    }

    private func write(_ states: [ResourceState]) {
        let store = CheckpointStore(paths: paths, agentInfo: V1AgentInfo(), recovered: AgentCheckpoint()) { _, error in
            #expect(error == nil)
        }
        for state in states { store.perform(.resources(state)) }
        store.drain()
    }

    private func load() -> LoadedCheckpoint { CheckpointLoader(paths: paths, repairs: true).load() }

    private func exists(_ path: String) -> Bool { access(directory.path + path, F_OK) == 0 }

    @Test func `what was written is read back, and each volume has its directory`() throws {
        var state = Self.state([OperationTests.volume("v1"), OperationTests.volume("v2")])
        var status = V1OperationStatus()
        status.state = .operationFinished
        status.statusUUID = WireUUID(bytes: [UInt8](repeating: 1, count: 16))
        state.operations = [
            AgentOperation(
                id: try #require(WireUUID(bytes: [UInt8](repeating: 2, count: 16))), framework: "f1",
                info: OperationTests.operation(.create, [OperationTests.volume("v1")], id: "op"), status: status)
        ]
        write([state])
        #expect(load().checkpoint.resources == state)
        #expect(load().problems.isEmpty)
        #expect(exists("/volumes/roles/dev/v1") && exists("/volumes/roles/dev/v2"))
    }

    @Test func `a destroyed volume's directory goes with what is in it; the others keep theirs`() throws {
        write([Self.state([OperationTests.volume("v1"), OperationTests.volume("v2")])])
        for volume in ["v1", "v2"] {
            try DurableFile.replace("\(directory.path)/volumes/roles/dev/\(volume)/file", with: [1])
        }
        write([Self.state([OperationTests.volume("v2")], destroyed: ["v1"])])
        #expect(!exists("/volumes/roles/dev/v1"))
        #expect(exists("/volumes/roles/dev/v2/file"))
        VolumeDirectories(paths: paths).sweep()
        #expect(DurableFile.names(in: paths.condemnedVolumes).isEmpty)
    }

    @Test func `a destruction that a crash interrupted is finished at the next start, a volume made anew is kept`()
        throws
    {
        let directories = VolumeDirectories(paths: paths)
        try directories.make(Self.state([OperationTests.volume("v1"), OperationTests.volume("v2")]).volumes)
        try directories.recover(Self.state([OperationTests.volume("v2")], destroyed: ["v1", "v2"]))
        #expect(!exists("/volumes/roles/dev/v1"))
        #expect(exists("/volumes/roles/dev/v2"))
    }

    @Test(arguments: [0, 9, 40])
    func `a file that is cut short is set aside and reported, and no volume is touched`(length: Int) throws {
        write([Self.state([OperationTests.volume("v1")])])
        let bytes = try #require(try DurableFile.read(paths.resourceState))
        try DurableFile.replace(paths.resourceState, with: Array(bytes.prefix(length)))
        let loaded = load()
        if length > 0 {
            #expect(loaded.problems.map(\.path) == [paths.resourceState])
            #expect(loaded.problems.first?.setAside != nil)
        }
        #expect(loaded.checkpoint.resources == ResourceState())
        try VolumeDirectories(paths: paths).recover(loaded.checkpoint.resources)
        #expect(exists("/volumes/roles/dev/v1"))
    }

    @Test func `volumes of nested roles do not meet in one directory`() throws {
        let volume = VolumeName(role: try RoleName("a/b"), id: "c")
        #expect(paths.volume(volume) == "\(directory.path)/volumes/roles/a b/c")
    }
}
