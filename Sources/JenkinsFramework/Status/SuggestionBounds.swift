// The rule of a template: suggestions stay within what its `sizing` allows.
import JenkinsUsage
import Resources

extension SuggestionRule {
    /// Without bounds of its own a template bounds suggestions at a quarter of what it asks for, and at four times that.
    init(_ template: AgentTemplate?) {
        self.init()
        guard let template else { return }
        let asked = template.resources(executors: 1)
        let (cpus, memory) = (asked["cpus"].doubleValue, asked["mem"].doubleValue)
        least = BuildSize(
            cpus: template.sizing.cpusMin?.doubleValue ?? cpus / 4,
            memory: template.sizing.memoryMin?.doubleValue ?? memory / 4)
        most = BuildSize(
            cpus: max(template.sizing.cpusMax?.doubleValue ?? cpus * 4, least.cpus),
            memory: max(template.sizing.memoryMax?.doubleValue ?? memory * 4, least.memory))
    }
}

extension Resources {
    init(_ size: BuildSize) {
        self.init(cpus: Scalar(size.cpus) ?? .zero, mem: Scalar(size.memory) ?? .zero)
    }
}

extension BuildSize {
    init(_ resources: Resources) {
        self.init(cpus: resources["cpus"].doubleValue, memory: resources["mem"].doubleValue)
    }
}

extension BuildRow {
    init(_ build: FinishedBuild, used: BuildUse?) {
        self.init(
            url: build.url, node: build.node, job: build.job, number: build.number, label: build.label,
            template: build.template, host: build.host, result: build.result, startedAt: build.startedAt.seconds,
            duration: build.duration.inMilliseconds, asked: build.asked.map { BuildSize($0) },
            isShared: build.isShared, used: used, wasOutOfMemory: build.wasOutOfMemory,
            phases: PhaseTimes(
                queued: build.phases.queued?.inMilliseconds, offered: build.phases.offered?.inMilliseconds,
                pulled: build.phases.pulled?.inMilliseconds, started: build.phases.started?.inMilliseconds,
                connected: build.phases.connected?.inMilliseconds, assigned: build.phases.assigned?.inMilliseconds,
                ran: build.phases.ran?.inMilliseconds))
    }
}

extension Duration {
    /// Seconds, to the millisecond: no poll is more exact.
    fileprivate var inMilliseconds: Double { (inSeconds * 1_000).rounded() / 1_000 }
}
