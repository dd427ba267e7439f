// Tasks that are read straight from the wire must be what the decoder would have made of them.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct RegistrationReaderTests {
    private static func registration(_ tasks: [LinkTask]) -> LinkCall {
        var call = LinkCall()
        call.type = .register
        call.register.agent = Samples.agent("a", id: "S1", tasks: []).agent
        call.register.linkVersion = 1
        call.register.version = "1"
        call.register.tasks = tasks
        return call
    }

    private static func plainTask(_ name: String) -> LinkTask {
        var task = Samples.heldTask(
            Samples.task(name, on: "S1", resources: "cpus:0.5;mem:32"), of: "f", .taskRunning)
        for index in task.info.resources.indices { task.info.resources[index].allocationInfo.role = "eng" }
        var status = V1TaskStatus()
        status.taskID.value = name
        status.state = .taskRunning
        status.timestamp = 1_700_000_000.125
        status.source = .executor
        status.healthy = true
        status.message = "fine"
        status.containerStatus.containerID.value = "c-\(name)"
        var address = V1NetworkInfo.IPAddress()
        address.ipAddress = "10.0.0.7"
        var network = V1NetworkInfo()
        network.ipAddresses = [address]
        status.containerStatus.networkInfos = [network]
        task.statuses = [status]
        return task
    }

    private static func shown(_ record: TaskRecord) -> String {
        var json = JSONWriter()
        json.task(record)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test func `an ordinary task is read as the decoder reads it`() throws {
        let call = Self.registration([Self.plainTask("t1"), Self.plainTask("t2")])
        let read = try #require(RegistrationReader.read(MediaType.protobuf.encode(call)))
        #expect(read.call.register.tasks.isEmpty)
        #expect(read.call.register.agent == call.register.agent)
        #expect(read.tasks.map(\.id) == ["t1", "t2"])
        for (record, message) in zip(read.tasks, call.register.tasks) {
            let decoded = TaskRecord(message)
            #expect(Self.shown(record) == Self.shown(decoded))
            #expect(record.resources == decoded.resources)
            #expect(record.role == decoded.role && record.isRoleKnown == decoded.isRoleKnown)
            #expect(record.statuses.last?.message == "fine")
            #expect(record.statuses.last?.containerStatus == message.statuses.last?.containerStatus)
        }
    }

    @Test func `a task with anything unusual stays in the message`() throws {
        var user = Self.plainTask("user")
        user.info.command.value = "true"
        user.info.command.user = "alice"
        var labels = Self.plainTask("labels")
        labels.info.labels.labels = [V1Label()]
        labels.info.labels.labels[0].key = "k"
        var process = Self.plainTask("process")
        process.statuses[0].containerStatus.executorPid = 7
        var reserved = Self.plainTask("reserved")
        reserved.info.resources[0].reservations = [V1Resource.ReservationInfo()]
        reserved.info.resources[0].reservations[0].type = .static
        reserved.info.resources[0].reservations[0].role = "eng"
        let call = Self.registration([user, Self.plainTask("plain"), labels, process, reserved])
        let read = try #require(RegistrationReader.read(MediaType.protobuf.encode(call)))
        #expect(read.tasks.map(\.id) == ["plain"])
        #expect(read.call.register.tasks.map(\.info.taskID.value) == ["user", "labels", "process", "reserved"])
    }

    @Test func `a pending update comes with its uuid`() throws {
        var task = Self.plainTask("t")
        task.statusUpdateState = .taskFinished
        task.statusUpdateUuid.append(contentsOf: (0..<16).map { UInt8($0) })
        let read = try #require(RegistrationReader.read(MediaType.protobuf.encode(Self.registration([task]))))
        #expect(read.tasks.first?.forwarded?.state == .taskFinished)
        #expect(read.tasks.first?.forwarded?.uuid == WireUUID(bytes: (0..<16).map { UInt8($0) }))
    }

    @Test func `every broken body is left to the decoder`() {
        let whole = MediaType.protobuf.encode(Self.registration([Self.plainTask("t")]))
        for length in 0..<whole.count {
            let cut = Array(whole[..<length])
            guard let read = RegistrationReader.read(cut) else { continue }
            #expect(Bool(false), "\(length) bytes were read as \(read.tasks.count) tasks")
        }
    }

    @Test func `other calls are left to the decoder`() {
        var call = LinkCall()
        call.type = .pong
        call.pong.sequence = 3
        #expect(RegistrationReader.read(MediaType.protobuf.encode(call)) == nil)
    }
}
