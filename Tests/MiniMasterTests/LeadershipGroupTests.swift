// Who the masters are, as the page shows it.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct LeadershipGroupTests {
    private static let own = Candidate(name: "json.info_0000000007", sequence: 7)
    private static let other = Candidate(name: "json.info_0000000003", sequence: 3)
    private static let session = SessionNumber(1)

    private func member() -> MasterConversation {
        var settings = MasterSettings()
        settings.quorum = 2
        var talk = MasterConversation(settings: settings)
        talk.send(.sessionConnected(Self.session, timeout: .seconds(9)))
        talk.send(.electionJoined(Self.session, Self.own))
        return talk
    }

    @Test func `members are shown in the order in which they would lead`() {
        var talk = member()
        talk.send(.electionChanged(Self.session, [Self.own, Self.other]))
        let unread = talk.core.leadership.group
        #expect(unread.map(\.name) == [Self.other.name, Self.own.name])
        #expect(unread.map(\.isSelf) == [false, true])
        #expect(unread.map { $0.info == nil } == [true, false])
        #expect(unread.allSatisfy { !$0.isLeader })

        let leader = MasterConversation.info("leader", port: 5051)
        talk.send(.candidateRead(Self.session, Self.other, leader))
        let group = talk.core.leadership.group
        #expect(group.map(\.isLeader) == [true, false])
        #expect(group.first?.info == leader)
    }

    @Test func `without a quorum none of them leads`() {
        var talk = member()
        talk.send(.electionChanged(Self.session, [Self.other]))
        talk.send(.candidateRead(Self.session, Self.other, MasterConversation.info("leader", port: 5051)))
        #expect(talk.core.leadership.group.filter(\.isLeader).isEmpty)
    }

    @Test func `a master that leads says so of itself`() {
        var talk = member()
        talk.send(.electionChanged(Self.session, [Self.own, Candidate(name: "json.info_0000000009", sequence: 9)]))
        #expect(talk.isLeading)
        #expect(talk.core.leadership.group.map(\.isLeader) == [true, false])
    }
}
