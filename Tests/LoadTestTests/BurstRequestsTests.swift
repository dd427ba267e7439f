// How `mini bench jenkins` tells when agents were requested.
import Testing

@testable import LoadTest

struct BurstRequestsTests {
    @Test func `an agent counts from the look that first showed it, however often it is seen`() {
        var requests = BurstRequests()
        requests.look(coming: ["a"], starts: [:], at: 1_000)
        requests.look(coming: ["a", "b"], starts: [:], at: 1_010)
        requests.look(coming: ["a", "b"], starts: ["a": [1_015]], at: 1_020)
        #expect(requests.seenAt == ["a": 1_000, "b": 1_010])
    }

    @Test func `one that began and went between two looks counts from its task's beginning`() {
        var requests = BurstRequests()
        requests.look(coming: ["a"], starts: ["b": [990]], at: 1_000)
        requests.look(coming: [], starts: ["a": [1_200], "b": [990]], at: 1_500)
        #expect(requests.seenAt == ["a": 1_000, "b": 990])
    }

    @Test func `the first request is for the build that might start first`() {
        var requests = BurstRequests()
        requests.look(coming: ["a"], starts: [:], at: 1_010)
        requests.look(coming: ["a", "b", "c"], starts: [:], at: 1_260)
        #expect(requests.latencies(after: [1_060, 1_000, 1_050]) == [10, 200, 210])
    }

    @Test func `without requests there are no latencies`() {
        #expect(BurstRequests().latencies(after: [1, 2]).isEmpty)
    }
}
