// The checks before a call is carried out: which fault is reported, with which status and words.
import Foundation
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct SchedulerCallTests {
    private func fault(_ reason: String) -> MasterAnswer {
        .refused(status: 400, reason: "Failed to validate scheduler::Call: \(reason)")
    }

    @Test func `a call without a type, a body or a framework id is named so`() {
        var talk = MasterConversation()
        #expect(talk.raw(V1SchedulerCall(), nil) == fault("Expecting 'type' to be present"))
        #expect(talk.call(nil, nil, .revive) == fault("Expecting 'framework_id' to be present"))
        var subscribe = V1SchedulerCall()
        subscribe.type = .subscribe
        #expect(talk.raw(subscribe, nil) == fault("Expecting 'subscribe' to be present"))
    }

    @Test(arguments: [
        (V1SchedulerCall.TypeEnum.accept, "accept"), (.decline, "decline"), (.kill, "kill"), (.shutdown, "shutdown"),
        (.acknowledge, "acknowledge"), (.reconcile, "reconcile"), (.message, "message"), (.request, "request"),
        (.updateFramework, "update_framework"), (.acceptInverseOffers, "accept_inverse_offers"),
        (.declineInverseOffers, "decline_inverse_offers"), (.reconcileOperations, "reconcile_operations"),
        (.acknowledgeOperationStatus, "acknowledge_operation_status"),
    ])
    func `each call needs its body`(type: V1SchedulerCall.TypeEnum, name: String) {
        var talk = MasterConversation()
        #expect(talk.call(nil, "f", type) == fault("Expecting '\(name)' to be present"))
    }

    @Test func `an acknowledgement needs sixteen bytes`() {
        var talk = MasterConversation()
        let answer = talk.call(nil, "f", .acknowledge) { call in
            call.acknowledge.agentID.value = "a"
            call.acknowledge.taskID.value = "t"
            call.acknowledge.uuid = .init([1, 2, 3])
        }
        #expect(answer == fault("Not a valid UUID"))
    }

    @Test func `the two framework ids of a subscription must agree`() {
        var talk = MasterConversation()
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.frameworkID.value = "one"
        call.subscribe.frameworkInfo = Samples.framework(id: "two")
        #expect(talk.raw(call, nil) == fault("'framework_id' differs from 'subscribe.framework_info.id'"))
    }

    @Test func `a subscription must accept a stream we can send and bring no stream id`() {
        var talk = MasterConversation()
        var call = V1SchedulerCall()
        call.type = .subscribe
        call.subscribe.frameworkInfo = Samples.framework()
        #expect(
            talk.raw(call, nil, acceptsStream: false)
                == .refused(
                    status: 406,
                    reason: "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"))
        #expect(
            talk.raw(call, StreamID("x"))
                == .refused(
                    status: 400, reason: "Subscribe calls should not include the 'Mesos-Stream-Id' header"))
    }

    @Test func `the framework, its connection and its stream are looked at in that order`() {
        var talk = MasterConversation()
        #expect(
            talk.call(nil, "nope", .revive) == .refused(status: 400, reason: "Framework cannot be found"))
        let pair = talk.pair()
        #expect(
            talk.call(nil, pair.framework, .revive)
                == .refused(
                    status: 400, reason: "All non-subscribe calls should include the 'Mesos-Stream-Id' header"))
        #expect(
            talk.call(StreamID("abc"), pair.framework, .revive)
                == .refused(
                    status: 400,
                    reason: "The stream ID 'abc' included in this request didn't match the stream ID currently "
                        + "associated with framework ID \(pair.framework)"))
        #expect(talk.call(pair.stream, pair.framework, .revive) == .accepted)
        talk.send(.streamClosed(pair.stream))
        #expect(
            talk.call(pair.stream, pair.framework, .revive)
                == .refused(status: 403, reason: "Framework is not subscribed"))
    }

    @Test func `an unknown type from a subscribed framework is not implemented`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        #expect(
            talk.call(pair.stream, pair.framework, .unknown)
                == .refused(status: 501, reason: "501 Not Implemented."))
    }

    @Test func `REQUEST and inverse offers are taken and nothing comes of them`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.drain()
        #expect(talk.call(pair.stream, pair.framework, .request) { $0.request = .init() } == .accepted)
        #expect(
            talk.call(pair.stream, pair.framework, .declineInverseOffers) { $0.declineInverseOffers = .init() }
                == .accepted)
        #expect(talk.events(pair.stream).isEmpty)
    }

    @Test func `a message goes down the link of a connected agent and comes up from one`() {
        var talk = MasterConversation()
        let pair = talk.pair()
        talk.drain()
        talk.call(pair.stream, pair.framework, .message) { call in
            call.message.agentID = V1AgentID(pair.agent)
            call.message.executorID.value = "e"
            call.message.data = .init([104, 105])
        }
        #expect(talk.commands(pair.link).map { [UInt8]($0.message.data) } == [[104, 105]])
        talk.agentCall(pair.link, .message) { call in
            call.message.frameworkID = V1FrameworkID(pair.framework)
            call.message.agentID = V1AgentID(pair.agent)
            call.message.executorID.value = "e"
            call.message.data = .init([106])
        }
        #expect(talk.events(pair.stream).map { [UInt8]($0.message.data) } == [[106]])
    }
}
