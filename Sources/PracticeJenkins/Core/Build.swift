/// Builds of a job, their console logs and, for pipelines, their steps.

enum BuildResult: String, Equatable, Sendable {
    case success = "SUCCESS"
    case failure = "FAILURE"
    case aborted = "ABORTED"
}

/// Console output, bounded: what does not fit is counted, not kept.
struct ConsoleLog: Equatable, Sendable {
    static let bytesMax = 4 << 20
    private(set) var bytes: [UInt8] = []
    private(set) var droppedBytes = 0

    mutating func append(_ more: some Collection<UInt8>) {
        let room = max(0, Self.bytesMax - bytes.count)
        bytes.append(contentsOf: more.prefix(room))
        droppedBytes += max(0, more.count - room)
    }

    mutating func append(line: String) { append(Array((line + "\n").utf8)) }
}

/// Who or what started a build.
enum BuildCause: Equatable, Sendable {
    case user(String)
    case restartedStep
}

/// One step of a pipeline build, as far as it got.
enum StepProgress: Equatable, Sendable {
    case notStarted
    case queued(item: Int)
    case running(node: String)
    /// Its node is gone or its agent is silent; it fails at `deadline` unless the agent comes back.
    case orphaned(node: String, deadline: PracticeTime)
    case finished(exitCode: Int)
}

struct Build: Equatable, Sendable {
    let job: String
    let number: Int
    let queueID: Int
    let startedAt: PracticeTime
    /// The node a freestyle build runs on; empty for a pipeline run, which sits on the built-in node.
    let nodeName: String
    let parameters: [ParameterValue]
    let cause: BuildCause
    /// Empty for freestyle builds. Flat: `stageOfStep` groups them.
    var steps: [StepProgress] = []
    let stages: [[PipelineStep]]
    /// When a build on a simulated node ends by itself.
    var simulatedEnd: PracticeTime?
    var isAbortRequested = false
    private(set) var endedAt: PracticeTime?
    private(set) var result: BuildResult?
    var console = ConsoleLog()
    /// Bytes of output received per run, so that a repeated report is recognised.
    var receivedBytes: [Int: Int] = [:]

    init(
        job: String, number: Int, queueID: Int, startedAt: PracticeTime, nodeName: String,
        parameters: [ParameterValue], cause: BuildCause, stages: [[PipelineStep]] = []
    ) {
        (self.job, self.number, self.queueID, self.startedAt) = (job, number, queueID, startedAt)
        (self.nodeName, self.parameters, self.cause, self.stages) = (nodeName, parameters, cause, stages)
        steps = stages.flatMap { $0.map { _ in .notStarted } }
    }

    var isBuilding: Bool { endedAt == nil }
    var isPipeline: Bool { !stages.isEmpty || nodeName.isEmpty }

    mutating func end(_ result: BuildResult, at now: PracticeTime) {
        guard isBuilding else { return }
        self.result = result
        endedAt = now
        console.append(line: "Finished: \(result.rawValue)")
    }

    /// Puts back how a build ended that was kept on disk.
    mutating func restore(_ result: BuildResult, at ended: PracticeTime) { (self.result, endedAt) = (result, ended) }

    func step(_ index: Int) -> PipelineStep? {
        let flat = stages.joined()
        guard let place = flat.index(flat.startIndex, offsetBy: index, limitedBy: flat.endIndex), place != flat.endIndex
        else { return nil }
        return flat[place]
    }

    /// The steps of the first stage that is not over, or `nil` when all are.
    var currentStage: Range<Int>? {
        var start = 0
        for stage in stages {
            let range = start..<start + stage.count
            if steps[range].contains(where: { if case .finished = $0 { false } else { true } }) { return range }
            start = range.upperBound
        }
        return nil
    }
}

struct Job: Equatable, Sendable {
    let name: String
    var configuration: JobConfiguration
    /// Oldest first; build N is at index N - 1.
    var builds: [Build] = []

    var nextBuildNumber: Int { builds.count + 1 }

    func build(_ number: Int) -> Build? {
        builds.indices.contains(number - 1) ? builds[number - 1] : nil
    }

    /// The mean of the last three successful builds, in milliseconds; -1 without any, as Jenkins has it.
    var estimatedMilliseconds: Int64 {
        let recent = builds.reversed().lazy.filter { $0.result == .success }.prefix(3)
            .compactMap { build in build.endedAt.map { $0.milliseconds(since: build.startedAt) } }
        let durations = Array(recent)
        return durations.isEmpty ? -1 : durations.reduce(0, +) / Int64(durations.count)
    }
}
