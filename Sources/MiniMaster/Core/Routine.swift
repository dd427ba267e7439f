// Which events and effects are daily routine and leave the state as everybody sees it alone.
import MesosProtocol

// What is not named here counts as a change: a forgotten case costs a rendering, never an old answer.

extension MasterEvent {
    /// A step for this event changes nothing that the state documents show, if its effects are routine too.
    var isRoutine: Bool {
        switch self {
        case .ensembleHeard, .roleExplained: true
        case .agentCalled(_, let incoming): incoming.call.type == .pong
        case .timerFired(let timer): timer.isRoutine
        default: false
        }
    }
}

extension MasterTimer {
    fileprivate var isRoutine: Bool {
        switch self {
        case .fence, .heartbeat, .operatorHeartbeat, .ping, .allocate, .filterExpiry, .registryPatience: true
        default: false
        }
    }
}

extension MasterEffect {
    /// It tells nobody of a change.
    var isRoutine: Bool {
        switch self {
        case .scheduleTimer, .recordAllocator: true
        case .answer(_, .accepted): true
        case .sendCommand(_, let command): command.type == .ping
        case .sendEvent(_, let event): event.type == .heartbeat
        case .sendOperatorEvent(_, let event): event.type == .heartbeat
        default: false
        }
    }
}
