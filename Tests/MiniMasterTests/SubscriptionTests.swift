// How frameworks subscribe, come back, fail over and go.
import Allocator
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct SubscriptionTests {
    @Test func `a new framework is told its id first, then a heartbeat, then offers`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let events = talk.events(pair.stream)
        #expect(events.map(\.type) == [.subscribed, .heartbeat, .offers])
        #expect(events[0].subscribed.frameworkID.value == "\(MasterConversation.masterID)-0000")
        #expect(events[0].subscribed.heartbeatIntervalSeconds == 15)
        #expect(events[0].subscribed.masterInfo == MasterConversation.info(MasterConversation.masterID))
    }

    @Test func `heartbeats follow every fifteen seconds, whatever else is sent`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.drain()
        talk.pass(.seconds(46))
        #expect(talk.events(pair.stream).filter { $0.type == .heartbeat }.count == 3)
    }

    @Test func `nobody hears SUBSCRIBED before the registry knows the framework`() {
        var talk = MasterConversation()
        talk.writesAtOnce = false
        let stream = talk.subscribe(Samples.framework())
        #expect(talk.events(stream).isEmpty)
        #expect(talk.heldWrites.count == 1)
        talk.releaseWrite()
        #expect(talk.events(stream).first?.type == .subscribed)
        #expect(talk.stored.frameworks.count == 1)
    }

    @Test func `a second SUBSCRIBE without an id makes another framework`() {
        var talk = MasterConversation()
        let first = talk.subscribe(Samples.framework())
        let second = talk.subscribe(Samples.framework())
        #expect(talk.events(first)[0].subscribed.frameworkID != talk.events(second)[0].subscribed.frameworkID)
    }

    @Test func `an id the framework invented is taken as it is`() {
        var talk = MasterConversation()
        let stream = talk.subscribe(Samples.framework(id: "jenkins-7f3a"))
        #expect(talk.events(stream)[0].subscribed.frameworkID.value == "jenkins-7f3a")
    }

    @Test func `a newer instance ends the older one's stream and inherits nothing of its offers`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let old = talk.offers(pair.stream)[0].id.value
        talk.drain()
        let newer = talk.subscribe(Samples.framework(id: pair.framework.value))
        #expect(talk.events(pair.stream).map(\.type) == [.error])
        #expect(talk.events(pair.stream)[0].error.message == "Framework failed over")
        #expect(talk.isClosed(pair.stream))
        #expect(talk.rescinded(newer).isEmpty)
        #expect(talk.events(newer).map(\.type) == [.subscribed, .heartbeat, .offers])
        #expect(talk.offers(newer)[0].id.value != old)
        #expect(talk.isBalanced(pair.agent))
    }

    @Test func `the superseded stream's closing does not disturb the new one`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let newer = talk.subscribe(Samples.framework(id: pair.framework.value))
        talk.send(.streamClosed(pair.stream))
        #expect(talk.core.cluster?.frameworks[pair.framework]?.stream == newer)
    }

    @Test func `a framework that comes back in time keeps its tasks`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.streamClosed(pair.stream))
        talk.pass(.seconds(30))
        let back = talk.subscribe(Samples.framework(id: pair.framework.value))
        talk.pass(.seconds(60))
        #expect(talk.events(back).first?.type == .subscribed)
        #expect(talk.core.cluster?.tasks[TaskKey(framework: pair.framework, task: "t1")] != nil)
    }

    @Test func `a framework that stays away past its failover timeout is removed with its tasks`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.launch([Samples.task("t1", on: pair.agent)], pair)
        talk.send(.streamClosed(pair.stream))
        talk.drain()
        talk.pass(.seconds(61))
        #expect(talk.commands(pair.link).contains(.shutdownFramework(pair.framework)))
        #expect(talk.core.cluster?.frameworks[pair.framework] == nil)
        let completed = talk.core.cluster?.frameworks.completed.first
        #expect(completed?.completedTasks.map(\.state) == [.taskKilled])
        #expect(talk.isBalanced(pair.agent))
        #expect(talk.core.cluster?.allocator.free(on: pair.agent) == Samples.bag("cpus:4;mem:4096;ports:[31000-31099]"))
    }

    @Test func `without a failover timeout a closed stream ends the framework at once`() {
        var talk = MasterConversation()
        let pair = talk.pair(Samples.framework(failoverTimeout: 0))
        talk.send(.streamClosed(pair.stream))
        #expect(talk.core.cluster?.frameworks.isCompleted(pair.framework) == true)
    }

    @Test func `teardown is written before agents hear of it, and the id is refused afterwards`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.writesAtOnce = false
        talk.drain()
        #expect(talk.call(pair.stream, pair.framework, .teardown) == .accepted)
        #expect(talk.commands(pair.link).isEmpty)
        #expect(!talk.isClosed(pair.stream))
        talk.releaseWrite()
        #expect(talk.commands(pair.link) == [.shutdownFramework(pair.framework)])
        #expect(talk.isClosed(pair.stream))
        let again = talk.subscribe(Samples.framework(id: pair.framework.value))
        #expect(talk.events(again).map(\.error.message) == ["Framework has been removed"])
        #expect(talk.isClosed(again))
    }

    @Test func `the list of completed frameworks is bounded, and so are their marks in the registry`() {
        var settings = MasterSettings()
        settings.completedFrameworksMax = 2
        var talk = MasterConversation(settings: settings)
        for _ in 0..<4 {
            let stream = talk.subscribe(Samples.framework(failoverTimeout: 0))
            talk.pass(.seconds(1))
            talk.send(.streamClosed(stream))
        }
        #expect(talk.core.cluster?.frameworks.completed.count == 2)
        #expect(talk.stored.frameworks.count == 2)
    }

    @Test(arguments: [
        (
            Samples.framework(roles: ["/bad"]),
            "'FrameworkInfo.roles' contains invalid role: Role '/bad' cannot start with a slash"
        ),
        (Samples.framework(roles: ["a", "a"]), "'FrameworkInfo.roles' contains duplicate items: a"),
        (Samples.framework(failoverTimeout: .nan), "The framework failover_timeout (nan) is invalid"),
        (Samples.framework(failoverTimeout: 1e10), "The framework failover_timeout (10000000000.0) is invalid"),
    ])
    func `a framework that describes itself wrongly hears why, on a stream that then ends`(
        info: V1FrameworkInfo, message: String
    ) {
        var talk = MasterConversation()
        let stream = talk.subscribe(info)
        #expect(talk.events(stream).map(\.error.message) == [message])
        #expect(talk.isClosed(stream))
        #expect(talk.core.cluster?.frameworks.count == 0)
    }

    @Test func `role and roles must fit the MULTI_ROLE capability`() {
        var talk = MasterConversation()
        var single = Samples.framework(capabilities: [])
        single.roles = ["dev"]
        let first = talk.subscribe(single)
        #expect(
            talk.events(first).map(\.error.message) == [
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
            ])
        var multi = Samples.framework()
        multi.role = "dev"
        let second = talk.subscribe(multi)
        #expect(
            talk.events(second).map(\.error.message) == [
                "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
            ])
    }

    @Test func `a role outside the whitelist and a suppressed stranger are refused`() throws {
        var settings = MasterSettings()
        settings.roles = [try RoleName("dev")]
        var talk = MasterConversation(settings: settings)
        let first = talk.subscribe(Samples.framework(roles: ["ops"]))
        #expect(talk.events(first).map(\.error.message) == ["Roles { ops } are not present in the master's --roles"])
        let second = talk.subscribe(Samples.framework(), suppressed: ["ops"])
        #expect(
            talk.events(second).map(\.error.message) == [
                "Suppressed roles { ops } are not contained in the set of roles { dev }"
            ])
    }

    @Test func `the principal may not change`() {
        var talk = MasterConversation()
        var info = Samples.framework(id: "f")
        info.principal = "alice"
        talk.subscribe(info)
        info.principal = "mallory"
        let stream = talk.subscribe(info)
        #expect(talk.events(stream).map(\.error.message) == ["Changing framework's principal is not allowed."])
    }

    @Test func `subscribing again replaces name and roles but keeps user and checkpoint`() {
        var talk = MasterConversation()
        talk.subscribe(Samples.framework(id: "f"))
        var info = Samples.framework("renamed", id: "f", roles: ["ops"], checkpoint: false)
        info.user = "nobody"
        talk.subscribe(info)
        let known = talk.core.cluster?.frameworks["f"]
        #expect(known?.info.name == "renamed")
        #expect(known?.roles.map(\.value) == ["ops"])
        #expect(known?.info.user == "root")
        #expect(known?.info.checkpoint == true)
        #expect(known?.reregisteredAt != nil)
    }

    @Test func `UPDATE_FRAMEWORK rescinds offers for roles that are left, and refuses another user`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        let offer = talk.offers(pair.stream)[0].id.value
        var info = Samples.framework(id: pair.framework.value, roles: ["ops"])
        let answer = talk.call(pair.stream, pair.framework, .updateFramework) {
            $0.updateFramework.frameworkInfo = info
        }
        #expect(answer == .done)
        #expect(talk.rescinded(pair.stream) == [offer])
        #expect(talk.offers(pair.stream).last?.allocationInfo.role == "ops")
        info.user = "other"
        let refused = talk.call(pair.stream, pair.framework, .updateFramework) {
            $0.updateFramework.frameworkInfo = info
        }
        #expect(
            refused
                == .refused(
                    status: 400,
                    reason: "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; "
                        + "attempted to update from 'root' to 'other'"))
    }
}
