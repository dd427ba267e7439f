// How a controller is asked: what need not be asked again, and how soon one that did not answer is.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct ControllerAskingTests {
    // MARK: - What is remembered of computers

    @Test
    func `what hardly changes of computers is remembered, until a name is new, forgotten, or a minute has passed`() {
        var memory = ComputerMemory()
        let whole = Computer.node("a", ["linux"])
        var changing = whole
        changing.description = ""
        changing.labels = []
        #expect(!memory.isFresh(at: .zero))
        memory.learn([whole], at: .zero)
        #expect(memory.completed([changing]) == [whole])
        #expect(memory.isFresh(at: .zero.advanced(by: .seconds(59))) && !memory.isFresh(at: .zero + .seconds(60)))
        var other = changing
        other.name = "b"
        #expect(memory.completed([changing, other]) == nil)
        memory.forget("a")
        #expect(memory.completed([changing]) == nil)
    }

    // MARK: - Failures

    @Test func `a silent controller is asked again within two and a half seconds, however long it was silent`() {
        var backOff = PollBackOff()
        let silence = JenkinsFailure.noAnswer("timed out")
        let delays = (1...20).map { _ in backOff.failed(silence, chance: 0.5) }
        #expect(delays.prefix(4) == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(2)])
        #expect(backOff.failed(silence, chance: 0.999) <= .milliseconds(2_500))
        #expect(backOff.failed(silence, chance: 0) >= .milliseconds(1_500))
        backOff.succeeded()
        #expect(backOff.failed(silence, chance: 0.5) == .milliseconds(500))
    }

    @Test func `one that refuses the password is asked less and less`() {
        var backOff = PollBackOff()
        let delays = (1...6).map { _ in backOff.failed(.answered(status: 401, reason: ""), chance: 0.5) }
        #expect(delays == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
    }
}
