// What the kernel's kills for want of memory say about builds.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct LastLooksTests {
    private var looks = LastLooks()
    private let node = NodeName("mj-linux-1")

    private func build(_ number: Int, _ result: String = "FAILURE", on node: String = "mj-linux-1") -> FinishedBuild {
        FinishedBuild(
            url: "http://ci/job/app/\(number)/", node: node, job: "app", number: number, label: "linux",
            template: "linux", host: "h1", result: result, startedAt: WallTime(nanoseconds: 0), duration: .seconds(5),
            asked: nil, isShared: false, wasOutOfMemory: false, phases: PhaseSpans())
    }

    private func second(_ seconds: Int) -> Instant { Instant.zero + .seconds(seconds) }

    private mutating func look(_ kills: Int?, at seconds: Int) -> (builds: [FinishedBuild], struck: [NodeName]) {
        looks.looked(kills.map { [node: $0] } ?? [:], since: second(seconds), fresh: [node])
    }

    @Test mutating func `a build whose process was killed in its last second has run out of memory`() {
        #expect(look(0, at: 5).struck.isEmpty)
        #expect(looks.add(build(1), at: second(6)) == nil)
        #expect(looks.nodes == [node])
        // The answer may be from before the build's end.
        #expect(look(0, at: 6).builds.isEmpty)
        #expect(look(1, at: 7).builds.map(\.wasOutOfMemory) == [true])
        #expect(looks.nodes.isEmpty)
    }

    @Test mutating func `a build without a kill waits for one look and no longer`() {
        _ = looks.add(build(1), at: second(6))
        #expect(look(0, at: 5).builds.isEmpty)
        #expect(look(0, at: 8).builds.map(\.wasOutOfMemory) == [false])
        _ = looks.add(build(2), at: second(9))
        #expect(look(nil, at: 9).builds.map(\.number) == [2], "its container is gone")
        _ = looks.add(build(3), at: second(10))
        #expect(looks.close().map(\.number) == [3])
    }

    @Test mutating func `a kill while a build runs is that build's, and each is counted once`() {
        #expect(look(1, at: 1).struck == [node])
        #expect(look(1, at: 2).struck.isEmpty)
        #expect(look(3, at: 3).struck == [node])
    }

    @Test mutating func `of a build that failed and its successor the one that failed ran out of memory`() {
        _ = looks.add(build(1), at: second(6))
        let (builds, struck) = look(1, at: 7)
        #expect(builds.map(\.wasOutOfMemory) == [true])
        #expect(struck.isEmpty)
        _ = looks.add(build(2, "SUCCESS"), at: second(8))
        let next = look(2, at: 9)
        #expect(next.builds.map(\.wasOutOfMemory) == [true])
        #expect(next.struck == [node], "or the one that runs now")
    }

    @Test mutating func `kills from before the framework's start are nobody's`() {
        #expect(looks.looked([node: 4], since: second(1), fresh: []).struck.isEmpty)
        #expect(looks.looked([node: 5], since: second(2), fresh: []).struck == [node])
        looks.keep([])
        #expect(looks.looked([node: 5], since: second(3), fresh: []).struck.isEmpty)
    }
}
