// Reads the tasks of a registration straight from the wire: after a change of leader a hundred thousand of them arrive
// within a second, and decoded messages would take ten times the time and the memory of what is kept.
import MesosProtocol
import Resources

/// Takes the ordinary tasks out of a REGISTER call, as records. A task with anything in it that this does not know stays
/// in the message, to be decoded like everything else; so nothing is lost, and nothing is judged in two ways.
struct RegistrationReader {
    /// Ids and roles come again and again; each is made once.
    private var frameworks: [FrameworkID] = []
    private var roles: [RoleName] = []

    private typealias Malformed = WireReader.Malformed

    /// - Returns: The call without those tasks, and their records; `nil` if the body is no REGISTER call, or a broken one:
    ///   the decoder then says what is wrong with it.
    static func read(_ body: [UInt8]) -> (call: LinkCall, tasks: [TaskRecord])? {
        body.withUnsafeBytes { buffer in
            var reader = RegistrationReader()
            return try? reader.read(buffer)
        }
    }

    private mutating func read(_ buffer: UnsafeRawBufferPointer) throws(Malformed) -> (LinkCall, [TaskRecord])? {
        var register: UnsafeRawBufferPointer?
        var isRegister = false
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 1: isRegister = try field.varint() == UInt64(LinkCall.TypeEnum.register.rawValue)
            case 2 where register == nil: register = try field.contents()
            default: return nil
            }
        }
        guard isRegister, let register else { return nil }
        var rest: [UInt8] = []
        var tasks: [TaskRecord] = []
        fields = WireReader(register)
        while let field = try fields.next() {
            if field.number == 4, let task = try task(try field.contents()) {
                tasks.append(task)
            } else {
                rest.append(contentsOf: field.bytes)
            }
        }
        guard let message: LinkCall.Register = try? MediaType.protobuf.decode(from: rest) else { return nil }
        var call = LinkCall()
        call.type = .register
        call.register = message
        return (call, tasks)
    }

    // MARK: Tasks

    /// What has been read of a task.
    private struct Draft {
        var framework: FrameworkID?
        var id: TaskID?
        var name: String?
        var hasAgent = false
        var state: V1TaskState?
        var pendingState: V1TaskState?
        var pendingID: WireUUID?
        var role: RoleName?
        var cpus = Scalar.zero
        var mem = Scalar.zero
        var disk = Scalar.zero
        var statuses = StatusHistory()
    }

    /// - Returns: `nil` if there is anything unusual about the task.
    private mutating func task(_ buffer: UnsafeRawBufferPointer) throws(Malformed) -> TaskRecord? {
        var draft = Draft()
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 1:
                guard let id = try identifier(field.contents()) else { return nil }
                draft.framework = framework(id)
            case 2: guard try describe(&draft, field.contents()) else { return nil }
            case 3: draft.state = try Self.state(field)
            case 4: draft.pendingState = try Self.state(field)
            case 5:
                guard let id = WireUUID(bytes: try field.contents()) else { return nil }
                draft.pendingID = id
            case 6:
                guard let status = try status(field.contents()) else { return nil }
                draft.statuses.remember(status)
            default: return nil
            }
        }
        guard let framework = draft.framework, let id = draft.id, let name = draft.name, draft.hasAgent,
            let state = draft.state, (draft.pendingState == nil) == (draft.pendingID == nil)
        else { return nil }
        var record = TaskRecord(
            key: TaskKey(framework: framework, task: id), agent: AgentID(""), name: name, role: draft.role ?? .any,
            resources: Resources(cpus: draft.cpus, mem: draft.mem, disk: draft.disk), executor: "", state: state,
            details: nil, sequence: 0)
        record.isRoleKnown = draft.role != nil
        if let state = draft.pendingState, let id = draft.pendingID { record.forwarded = (state, id) }
        for status in draft.statuses { record.remember(status) }
        return record
    }

    private static func state(_ field: WireReader.Field) throws(Malformed) -> V1TaskState? {
        Int(exactly: try field.varint()).flatMap { V1TaskState(rawValue: $0) }
    }

    /// The value of an id message.
    private func identifier(_ buffer: UnsafeRawBufferPointer) throws(Malformed) -> UnsafeRawBufferPointer? {
        var fields = WireReader(buffer)
        guard let field = try fields.next(), field.number == 1, try fields.next() == nil else { return nil }
        return try field.contents()
    }

    private mutating func framework(_ text: UnsafeRawBufferPointer) -> FrameworkID? {
        if let known = frameworks.first(where: { text.isText($0.value) }) { return known }
        guard let fresh = String(validating: text, as: UTF8.self) else { return nil }
        frameworks.append(FrameworkID(fresh))
        return FrameworkID(fresh)
    }

    private mutating func role(_ text: UnsafeRawBufferPointer) -> RoleName? {
        if let known = roles.first(where: { text.isText($0.value) }) { return known }
        guard let fresh = String(validating: text, as: UTF8.self), let role = try? RoleName(fresh) else { return nil }
        roles.append(role)
        return role
    }

    /// A TaskInfo that is a plain command.
    private mutating func describe(
        _ draft: inout Draft, _ buffer: UnsafeRawBufferPointer
    ) throws(Malformed) -> Bool {
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 1: draft.name = try field.text()
            case 2:
                guard let text = try identifier(field.contents()),
                    let id = String(validating: text, as: UTF8.self)
                else { return false }
                draft.id = TaskID(id)
            case 3:
                guard try identifier(field.contents()) != nil else { return false }
                draft.hasAgent = true
            case 4: guard try add(field.contents(), to: &draft) else { return false }
            case 7: guard try isPlainCommand(field.contents()) else { return false }
            default: return false
            }
        }
        return true
    }

    /// Nothing of a command is kept but its user.
    private func isPlainCommand(_ buffer: UnsafeRawBufferPointer) throws(Malformed) -> Bool {
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            if field.number == 5 { return false }
        }
        return true
    }

    /// An amount of unreserved cpus, mem, disk or gpus.
    private mutating func add(_ buffer: UnsafeRawBufferPointer, to draft: inout Draft) throws(Malformed) -> Bool {
        var name: UnsafeRawBufferPointer?
        var isScalar = false
        var amount: Double?
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 1: name = try field.contents()
            case 2: isScalar = try field.varint() == UInt64(V1Value.TypeEnum.scalar.rawValue)
            case 3:
                var inner = WireReader(try field.contents())
                guard let value = try inner.next(), value.number == 1, try inner.next() == nil else { return false }
                amount = try value.double()
            case 11:
                guard let text = try identifier(field.contents()), let role = role(text) else { return false }
                // The first that is named counts.
                if draft.role == nil { draft.role = role }
            default: return false
            }
        }
        guard isScalar, let name, let amount, let scalar = Scalar(amount), !scalar.isZero else { return false }
        if name.isText("cpus") { return Self.add(scalar, to: &draft.cpus) }
        if name.isText("mem") { return Self.add(scalar, to: &draft.mem) }
        return name.isText("disk") && Self.add(scalar, to: &draft.disk)
    }

    /// - Returns: Whether the sum can be kept. Both were below the bound before, so it cannot have overflowed.
    private static func add(_ amount: Scalar, to sum: inout Scalar) -> Bool {
        sum += amount
        return sum.doubleValue <= Scalar.valueMax
    }

    // MARK: Statuses

    private func status(_ buffer: UnsafeRawBufferPointer) throws(Malformed) -> StatusSummary? {
        var hasTask = false
        var state: V1TaskState?
        var timestamp = 0.0
        var message: String?
        var healthy: Bool?
        var source: V1TaskStatus.Source?
        var reason: V1TaskStatus.Reason?
        var container = EncodedContainer()
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 1: hasTask = try identifier(field.contents()) != nil
            case 2: state = try Self.state(field)
            case 4: message = try field.text()
            case 6: timestamp = try field.double()
            case 8: healthy = try field.varint() != 0
            case 9:
                source = Int(exactly: try field.varint()).flatMap { V1TaskStatus.Source(rawValue: $0) }
                if source == nil { return nil }
            case 10:
                reason = Int(exactly: try field.varint()).flatMap { V1TaskStatus.Reason(rawValue: $0) }
                if reason == nil { return nil }
            case 13:
                guard container.isEmpty else { return nil }
                container = EncodedContainer(try field.contents())
                if !container.isUsual, !(try isWithoutProcess(field.contents())) { return nil }
            // For the framework: data, the agent's and the executor's ids, the uuid.
            case 3, 5, 7, 11: _ = try field.contents()
            default: return nil
            }
        }
        guard hasTask, let state else { return nil }
        return StatusSummary(
            state: state, timestamp: timestamp, healthy: healthy, source: source, reason: reason, message: message,
            container: container)
    }

    /// Whether a ContainerStatus can be kept as it is: no process id, and nothing broken inside that would show only when
    /// somebody asks for it.
    private func isWithoutProcess(_ buffer: UnsafeRawBufferPointer) throws(Malformed) -> Bool {
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 1: guard try isPlainNetwork(field.contents()) else { return false }
            case 4:
                guard let text = try identifier(field.contents()), String(validating: text, as: UTF8.self) != nil else {
                    return false
                }
            default: return false
            }
        }
        return true
    }

    /// A NetworkInfo with IP addresses and a name.
    private func isPlainNetwork(_ buffer: UnsafeRawBufferPointer) throws(Malformed) -> Bool {
        var fields = WireReader(buffer)
        while let field = try fields.next() {
            switch field.number {
            case 5:
                var inner = WireReader(try field.contents())
                while let address = try inner.next() {
                    switch address.number {
                    case 1: guard (1...2).contains(try address.varint()) else { return false }
                    case 2: _ = try address.text()
                    default: return false
                    }
                }
            case 6: _ = try field.text()
            default: return false
            }
        }
        return true
    }
}
