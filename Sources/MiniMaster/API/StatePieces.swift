// The state document in pieces: a large cluster's takes tens of megabytes, which need not all be there at once.
import MesosProtocol
import Resources

/// Writes `/state` from a snapshot, a quarter of a megabyte at a time.
struct StatePieces {
    /// Pieces are at least so long, but for the last.
    static let pieceBytesMin = 256 << 10

    private enum Stage {
        case head
        case agents(next: Int)
        case frameworks(next: Int)
        /// - Parameter unreachable: Those seen so far; they are listed after the others.
        case tasks(Framework, slots: [UInt32], next: Int, unreachable: [TaskRecord], following: Int)
        case tail
        case end
    }

    private let documents: StateDocuments
    private let agents: [Agent]
    private let frameworks: [Framework]
    private var stage = Stage.head
    private var json = JSONWriter()

    init(_ documents: StateDocuments) {
        self.documents = documents
        agents = documents.present
        frameworks = documents.cluster.frameworks.all
    }

    /// The next piece; `nil` at the end.
    mutating func next() -> [UInt8]? {
        if case .end = stage { return nil }
        json.reserve(Self.pieceBytesMin + (128 << 10))
        while json.bytes.count < Self.pieceBytesMin {
            if case .end = stage { break }
            write()
        }
        return json.take()
    }

    /// Writes a few kilobytes, or one thing that is larger.
    private mutating func write() {
        switch stage {
        case .head:
            json.open("{")
            documents.stateHead(&json)
            json.key("slaves")
            json.open("[")
            stage = .agents(next: 0)
        case .agents(let next) where next < agents.count:
            json.open("{")
            json.agentMembers(
                agents[next], documents.figures, documents.cluster, for: documents.viewer, isFull: false)
            json.close("}")
            stage = .agents(next: next + 1)
        case .agents:
            json.close("]")
            json.array("recovered_slaves") { json in
                for agent in documents.recovered { json.recoveredAgent(agent) }
            }
            json.key("frameworks")
            json.open("[")
            stage = .frameworks(next: 0)
        case .frameworks(let next) where next < frameworks.count:
            let framework = frameworks[next]
            json.open("{")
            json.membersBeforeTasks(of: framework, documents.figures, isActive: true)
            json.key("tasks")
            json.open("[")
            stage = .tasks(
                framework, slots: documents.cluster.tasks.slots(of: framework.id), next: 0, unreachable: [],
                following: next + 1)
        case .frameworks:
            json.close("]")
            stage = .tail
        case .tasks(let framework, let slots, let next, var unreachable, let following):
            let end = min(next + 64, slots.count)
            for slot in slots[next..<end] {
                documents.cluster.tasks.withTask(at: slot) { task in
                    if task.isUnreachable { unreachable.append(copy task) } else { json.task(task) }
                }
            }
            guard end == slots.count else {
                stage = .tasks(framework, slots: slots, next: end, unreachable: unreachable, following: following)
                return
            }
            json.close("]")
            json.membersAfterTasks(of: framework, documents.cluster, unreachable: unreachable)
            json.close("}")
            stage = .frameworks(next: following)
        case .tail:
            documents.stateTail(&json)
            json.close("}")
            stage = .end
        case .end: break
        }
    }
}
