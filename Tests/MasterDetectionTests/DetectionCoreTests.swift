// The detector's decisions, each told as one conversation.

import MesosProtocol
import Testing
import ZooKeeper

@testable import MasterDetection

struct DetectionCoreTests {
    let connected = SessionState.connected(sessionID: 7, negotiatedTimeout: .seconds(4))
    let first = DetectedMaster(info: V1MasterInfo(id: "1", ip: "10.0.0.1", port: 5050))
    let second = DetectedMaster(info: V1MasterInfo(id: "2", ip: "10.0.0.2", port: 5050))
    let poll = DetectionCore.Effect.schedule(.poll(session: 1), after: .seconds(60))

    /// A core whose first session is open, connected and looking.
    private func lookingCore() -> DetectionCore {
        var core = DetectionCore(sessionTimeout: .seconds(10))
        #expect(
            core.step(.started) == [
                .openSession(1), .schedule(.cutOff(session: 1, outage: 1), after: .seconds(10)),
            ])
        #expect(core.step(.sessionOpened(session: 1)) == [poll])
        #expect(core.step(.stateChanged(session: 1, connected)) == [.look(session: 1, setWatch: true)])
        return core
    }

    @Test func `the leader is reported once, and again only when it changes`() {
        var core = lookingCore()
        #expect(core.step(.looked(session: 1, .leader(first), isWatching: true)) == [.report(first)])
        #expect(core.step(.watchFired(session: 1)) == [.look(session: 1, setWatch: true)])
        #expect(core.step(.looked(session: 1, .leader(first), isWatching: true)) == [])
        #expect(core.step(.watchFired(session: 1)) == [.look(session: 1, setWatch: true)])
        #expect(core.step(.looked(session: 1, .leader(second), isWatching: true)) == [.report(second)])
        #expect(core.step(.watchFired(session: 1)) == [.look(session: 1, setWatch: true)])
        #expect(core.step(.looked(session: 1, .nobody, isWatching: true)) == [.report(nil)])
    }

    @Test func `a connection that is up before the session is handed over is not missed`() {
        var core = DetectionCore(sessionTimeout: .seconds(10))
        _ = core.step(.started)
        #expect(core.step(.stateChanged(session: 1, connected)) == [])
        #expect(core.step(.sessionOpened(session: 1)) == [poll, .look(session: 1, setWatch: true)])
    }

    @Test func `a watch that fires during a look brings another look`() {
        var core = lookingCore()
        #expect(core.step(.watchFired(session: 1)) == [])
        #expect(
            core.step(.looked(session: 1, .leader(first), isWatching: true))
                == [.report(first), .look(session: 1, setWatch: true)])
    }

    @Test func `the poll looks without a second watch`() {
        var core = lookingCore()
        _ = core.step(.looked(session: 1, .leader(first), isWatching: true))
        #expect(core.step(.timerFired(.poll(session: 1))) == [poll, .look(session: 1, setWatch: false)])
        #expect(core.step(.looked(session: 1, .leader(first), isWatching: false)) == [])
        #expect(core.step(.timerFired(.poll(session: 1))) == [poll, .look(session: 1, setWatch: false)])
    }

    @Test func `a blip shorter than the negotiated timeout changes nothing`() {
        var core = lookingCore()
        _ = core.step(.looked(session: 1, .leader(first), isWatching: true))
        #expect(
            core.step(.stateChanged(session: 1, .connecting))
                == [.schedule(.cutOff(session: 1, outage: 2), after: .seconds(4))])
        #expect(core.step(.stateChanged(session: 1, connected)) == [.look(session: 1, setWatch: false)])
        #expect(core.step(.timerFired(.cutOff(session: 1, outage: 2))) == [])
        #expect(core.reported == first)
    }

    @Test func `the timer of an earlier outage does not end a later one`() {
        var core = lookingCore()
        _ = core.step(.stateChanged(session: 1, .connecting))
        _ = core.step(.stateChanged(session: 1, connected))
        _ = core.step(.stateChanged(session: 1, .connecting))
        #expect(core.step(.timerFired(.cutOff(session: 1, outage: 2))) == [])
    }

    @Test func `cut off for a whole timeout, nobody is known and a new session is tried`() {
        var core = lookingCore()
        _ = core.step(.looked(session: 1, .leader(first), isWatching: true))
        _ = core.step(.stateChanged(session: 1, .connecting))
        let effects = core.step(.timerFired(.cutOff(session: 1, outage: 2)))
        #expect(
            effects == [
                .report(nil), .warn("no contact with ZooKeeper for 4.0 seconds"), .closeSession(1), .openSession(2),
                .schedule(.cutOff(session: 2, outage: 4), after: .seconds(10)),
            ])
    }

    @Test func `an expired session is replaced, and its late news are ignored`() {
        var core = lookingCore()
        _ = core.step(.looked(session: 1, .leader(first), isWatching: true))
        let effects = core.step(.stateChanged(session: 1, .expired))
        #expect(effects.contains(.report(nil)))
        #expect(effects.contains(.closeSession(1)))
        #expect(effects.contains(.openSession(2)))
        #expect(core.step(.watchFired(session: 1)) == [])
        #expect(core.step(.looked(session: 1, .leader(first), isWatching: true)) == [])
        #expect(core.step(.stateChanged(session: 1, .closed)) == [])
        #expect(core.step(.timerFired(.poll(session: 1))) == [])
        #expect(core.reported == nil)
    }

    @Test func `a session that opens after it was given up is closed`() {
        var core = DetectionCore(sessionTimeout: .seconds(10))
        _ = core.step(.started)
        #expect(core.step(.timerFired(.cutOff(session: 1, outage: 1))).contains(.openSession(2)))
        #expect(core.step(.sessionOpened(session: 1)) == [.closeSession(1)])
    }

    @Test func `names that do not resolve are tried again, ever more slowly`() {
        var core = DetectionCore(sessionTimeout: .seconds(10))
        _ = core.step(.started)
        var delays: [Duration] = []
        for session in 1...9 {
            for case .schedule(.open(let next), let delay) in core.step(
                .openFailed(session: session, .unresolvableServers("zk1:2181")))
            {
                #expect(next == session + 1)
                delays.append(delay)
            }
            #expect(core.step(.timerFired(.open(session: session + 1))).first == .openSession(session + 1))
        }
        #expect(delays.prefix(3) == [.milliseconds(500), .seconds(1), .seconds(2)])
        #expect(delays.last == .seconds(60))
    }

    @Test func `refused credentials do not make a busy loop`() {
        var core = lookingCore()
        let effects = core.step(.stateChanged(session: 1, .authenticationFailed))
        #expect(effects.contains(.schedule(.open(session: 2), after: .milliseconds(500))))
        #expect(!effects.contains(.openSession(2)))
        #expect(core.step(.timerFired(.open(session: 2))).contains(.openSession(2)))
    }

    @Test func `a failed look keeps the leader and is tried again`() {
        var core = lookingCore()
        _ = core.step(.looked(session: 1, .leader(first), isWatching: true))
        _ = core.step(.watchFired(session: 1))
        let effects = core.step(.looked(session: 1, .failed(.operationTimeout), isWatching: false))
        guard effects.count == 1, case .schedule(let timer, .milliseconds(500)) = effects[0] else {
            Issue.record("no retry in \(effects)")
            return
        }
        #expect(core.reported == first)
        #expect(core.step(.timerFired(timer)) == [.look(session: 1, setWatch: true)])
        #expect(core.step(.timerFired(timer)) == [], "the look it asked for is under way")
    }

    @Test func `an unreadable leader counts as none, and watching goes on`() {
        var core = lookingCore()
        _ = core.step(.looked(session: 1, .leader(first), isWatching: true))
        _ = core.step(.watchFired(session: 1))
        #expect(core.step(.looked(session: 1, .unreadable("why"), isWatching: true)) == [.report(nil), .warn("why")])
        #expect(core.step(.watchFired(session: 1)) == [.look(session: 1, setWatch: true)])
    }

    @Test func `a directory closed to us is reported and polled`() {
        var core = lookingCore()
        let effects = core.step(.looked(session: 1, .failed(.noAuth), isWatching: false))
        #expect(effects == [.warn("cannot look for the leading master: \(ZooKeeperError.noAuth)")])
        #expect(core.step(.timerFired(.poll(session: 1))) == [poll, .look(session: 1, setWatch: true)])
    }
}
