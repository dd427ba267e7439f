// Conversations with one task's stream of status updates.

import MesosProtocol
import Resources
import Testing

@testable import MiniAgent

struct StatusUpdateStreamTests {
    private func update(_ number: UInt8, _ state: V1TaskState = .taskRunning) -> StatusUpdate {
        StatusUpdate(
            id: WireUUID(bytes: [UInt8](repeating: number, count: 16)) ?? .random(),
            key: TaskKey(framework: FrameworkID("f"), task: TaskID("t")), executor: ExecutorID("t"), state: state,
            source: .executor, timestamp: WallTime(nanoseconds: 0))
    }

    @Test func `an update goes to disk first and is sent only when it is there`() {
        var stream = StatusUpdateStream()
        let first = update(1)
        #expect(stream.step(.produced(first)) == [.checkpoint(first)])
        #expect(stream.head == nil)
        #expect(
            stream.step(.checkpointed(first.id)) == [
                .send(first, latest: .taskRunning), .scheduleRetry(send: 1, after: .seconds(10)),
            ])
        #expect(stream.head == first)
    }

    @Test func `one update is in flight, and the next follows when the acknowledgement is on disk`() {
        var stream = StatusUpdateStream()
        let (first, second) = (update(1), update(2, .taskFinished))
        _ = stream.step(.produced(first))
        _ = stream.step(.checkpointed(first.id))
        #expect(stream.step(.produced(second)) == [.checkpoint(second)])
        #expect(stream.step(.checkpointed(second.id)) == [])
        #expect(stream.step(.acknowledged(first.id)) == [.checkpointAcknowledgement(first.id)])
        #expect(
            stream.step(.acknowledgementCheckpointed(first.id)) == [
                .send(second, latest: .taskFinished), .scheduleRetry(send: 2, after: .seconds(10)),
            ])
        #expect(stream.step(.acknowledged(second.id)) == [.checkpointAcknowledgement(second.id)])
        #expect(stream.step(.acknowledgementCheckpointed(second.id)) == [.retire])
        #expect(stream.phase == .retired)
    }

    @Test func `each resend names the newest state that is on disk`() {
        var stream = StatusUpdateStream()
        let (first, second) = (update(1), update(2, .taskFinished))
        _ = stream.step(.produced(first))
        _ = stream.step(.checkpointed(first.id))
        _ = stream.step(.produced(second))
        #expect(stream.step(.masterChanged).first == .send(first, latest: .taskRunning))
        _ = stream.step(.checkpointed(second.id))
        #expect(stream.step(.masterChanged).first == .send(first, latest: .taskFinished))
    }

    @Test func `the retry time doubles from ten seconds to ten minutes and starts again with a new master`() {
        var stream = StatusUpdateStream()
        let first = update(1)
        _ = stream.step(.produced(first))
        _ = stream.step(.checkpointed(first.id))
        var delays: [Duration] = []
        for send in 1...8 {
            if case .scheduleRetry(_, let delay)? = stream.step(.retryDue(send: send)).last { delays.append(delay) }
        }
        #expect(delays == [20, 40, 80, 160, 320, 600, 600, 600].map { .seconds($0) })
        #expect(stream.step(.masterChanged).last == .scheduleRetry(send: 10, after: .seconds(10)))
    }

    @Test func `a timer of an earlier send is ignored`() {
        var stream = StatusUpdateStream()
        let first = update(1)
        _ = stream.step(.produced(first))
        _ = stream.step(.checkpointed(first.id))
        _ = stream.step(.masterChanged)
        #expect(stream.step(.retryDue(send: 1)) == [])
        #expect(stream.step(.retryDue(send: 2)).count == 2)
    }

    @Test func `an acknowledgement of something else, or a second one, changes nothing`() {
        var stream = StatusUpdateStream()
        let first = update(1)
        _ = stream.step(.produced(first))
        #expect(stream.step(.acknowledged(first.id)) == [], "not sent yet, so it cannot be acknowledged")
        _ = stream.step(.checkpointed(first.id))
        #expect(stream.step(.acknowledged(update(9).id)) == [])
        _ = stream.step(.acknowledged(first.id))
        #expect(stream.step(.acknowledged(first.id)) == [])
        #expect(stream.step(.acknowledgementCheckpointed(first.id)) == [])
        #expect(stream.phase == .idle)
        #expect(stream.step(.acknowledged(first.id)) == [])
    }

    @Test func `what comes after the terminal update's acknowledgement is dropped`() {
        var stream = StatusUpdateStream(recovered: [], isRetired: true)
        #expect(stream.step(.produced(update(1))) == [])
    }

    @Test func `a recovered stream sends its oldest pending update once a master is there`() {
        let (first, second) = (update(1), update(2, .taskFailed))
        var stream = StatusUpdateStream(recovered: [first, second], isRetired: false)
        #expect(stream.step(.masterChanged).first == .send(first, latest: .taskFailed))
    }

    @Test func `the same update produced twice counts once`() {
        var stream = StatusUpdateStream()
        _ = stream.step(.produced(update(1)))
        #expect(stream.step(.produced(update(1))) == [])
    }
}
