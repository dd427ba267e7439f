// What the agent does while its Docker engine does not answer.

import MesosProtocol
import Resources

extension AgentCore {
    /// Tells the master at once; what runs goes on, and nothing new is taken.
    mutating func engineChanged(_ stall: String?) -> [AgentEffect] {
        guard stall != engineStall else { return [] }
        let wasStalled = engineStall != nil
        engineStall = stall
        return wasStalled == (stall != nil) ? [] : tellStall(evenIfNot: true)
    }

    /// A pong that answers no ping. Every other pong says it again, so one that is lost does no harm.
    func tellStall(evenIfNot: Bool = false) -> [AgentEffect] {
        guard evenIfNot || engineStall != nil, let linkID = link.registeredLink else { return [] }
        return [.send(linkID, .pong(sequence: 0, stalledBecause: engineStall))]
    }

    /// Why a new task is not taken: its container could not even be created, and the framework should try elsewhere.
    func engineRefusal(of info: V1TaskInfo, _ framework: V1FrameworkInfo) -> ExitReport? {
        guard let engineStall, case .run(.docker, _) = TaskAdmission(info, settings: settings) else { return nil }
        return ExitReport(
            state: framework.droppedState, reason: .containerLaunchFailed, message: "Engine stalled: \(engineStall)")
    }
}
