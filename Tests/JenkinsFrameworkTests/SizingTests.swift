// Sizes and images that differ from build to build: from parameters, job names and measurements, within bounds.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct SizingTests {
    typealias Talk = PlannerConversation

    private func sized(_ change: (inout Sizing) -> Void) -> AgentTemplate {
        .named("linux") {
            $0.agentCPUs = Scalar(units: 1)
            $0.executorCPUs = .zero
            $0.agentMemory = Scalar(units: 1_000)
            $0.executorMemory = .zero
            $0.memoryOverheadMilli = 0
            change(&$0.sizing)
        }
    }

    private func item(_ id: QueueItemID, job: String = "app", _ parameters: [String: String] = [:]) -> QueueItem {
        var item = QueueItem.buildable(id, "linux")
        item.taskName = job
        item.parameters = parameters
        return item
    }

    private func asks(_ talk: Talk) -> [String] {
        talk.planner.launchable(at: talk.now.instant).map { "\($0.wanted)" }
    }

    @Test func `a build parameter decides what the next agent asks for`() {
        var talk = Talk.subscribed([
            sized {
                $0.cpusParameter = "CPUS"
                $0.memoryParameter = "MEM"
            }
        ])
        talk.poll([item(1, ["CPUS": "2.5", "MEM": "3000"])])
        #expect(asks(talk) == ["cpus:2.5;mem:3000"])
        talk.poll([item(2, ["CPUS": "lots"])])
        #expect(asks(talk) == ["cpus:1;mem:1000"], "what is no number is no wish")
    }

    @Test func `bounds hold whoever asks; by default a quarter and four times of the template`() {
        var talk = Talk.subscribed([sized { $0.cpusParameter = "CPUS" }])
        talk.poll([item(1, ["CPUS": "400"])])
        #expect(asks(talk) == ["cpus:4;mem:1000"])
        talk.poll([item(2, ["CPUS": "0.001"])])
        #expect(asks(talk) == ["cpus:0.25;mem:1000"])
        talk = Talk.subscribed([
            sized {
                $0.cpusParameter = "CPUS"
                $0.cpusMax = Scalar(units: 16)
            }
        ])
        talk.poll([item(1, ["CPUS": "400"])])
        #expect(asks(talk) == ["cpus:16;mem:1000"])
    }

    @Test func `the first pattern that matches the job's name decides, after parameters`() throws {
        let release = try #require(JobPattern("release/.*"))
        let any = try #require(JobPattern(".*"))
        var talk = Talk.subscribed([
            sized {
                $0.memoryParameter = "MEM"
                $0.rules = [
                    .init(jobs: release, cpus: Scalar(units: 3), memory: Scalar(units: 2_000)),
                    .init(jobs: any, cpus: Scalar(units: 2)),
                ]
            }
        ])
        talk.poll([item(1, job: "release/app", ["MEM": "1500"])])
        #expect(asks(talk) == ["cpus:3;mem:1500"])
        talk.poll([item(2, job: "app")])
        #expect(asks(talk) == ["cpus:2;mem:1000"])
    }

    @Test func `a new agent is as large as the largest wish that could land on it`() {
        var talk = Talk.subscribed([sized { $0.cpusParameter = "CPUS" }, .named("other")])
        talk.poll([item(1, ["CPUS": "3"]), item(2), .buildable(3, "other")])
        #expect(asks(talk) == ["cpus:3;mem:1000", "cpus:3;mem:1000", "cpus:0.2;mem:704"])
        // The large one was cancelled: what is not launched yet shrinks.
        talk.poll([item(2), .buildable(3, "other")])
        #expect(asks(talk) == ["cpus:1;mem:1000", "cpus:0.2;mem:704"])
    }

    @Test func `an agent with a size of its own has one executor`() {
        var template = sized { $0.cpusParameter = "CPUS" }
        template.executorsMax = 4
        var talk = Talk.subscribed([template])
        talk.poll([item(1, ["CPUS": "2"]), item(2, ["CPUS": "2"])])
        #expect(talk.planner.agents.values.map(\.executors) == [1, 1])
    }

    @Test func `measured sizes are asked for with apply and only then`() {
        for (automatic, expected) in [(Sizing.Automatic.apply, "cpus:0.6;mem:700"), (.suggest, "cpus:1;mem:1000")] {
            var talk = Talk.subscribed([sized { $0.automatic = automatic }])
            talk.tell(.sizesAdvised(["app": Resources(cpus: Scalar(milli: 600), mem: Scalar(units: 700))]))
            talk.poll([item(1)])
            #expect(asks(talk) == [expected])
        }
    }

    @Test func `after a kill for want of memory the next agent asks for half as much again, up to the bound`() {
        var talk = Talk.subscribed([sized { $0.automatic = .apply }])
        talk.poll([item(1)])
        let name = talk.offer().created[0]
        talk.tell(.nodeCreated(name, AgentSecret("x")))
        talk.tell(.taskUpdated(.init(task: TaskID(name.value), agent: "agent-h1", state: .running)))
        talk.poll([], [.node(name, ["linux"], busy: 1, url: "http://j/job/app/1/")])
        var killed = TaskUpdate(task: TaskID(name.value), state: .failed, message: "Memory limit exceeded")
        killed.isOutOfMemory = true
        talk.tell(.taskUpdated(killed))
        talk.poll([item(2)], [])
        #expect(asks(talk) == ["cpus:1;mem:1500"])
        talk.tell(.ranOutOfMemory(job: "app", had: Scalar(units: 1_500)))
        talk.poll([item(2)], [])
        #expect(asks(talk) == ["cpus:1;mem:2250"])
        talk.tell(.ranOutOfMemory(job: "app", had: Scalar(units: 9_000)))
        talk.poll([item(2)], [])
        #expect(asks(talk) == ["cpus:1;mem:4000"])
    }

    @Test func `an image is taken from a parameter if the template allows it`() {
        var template = sized { $0.imageParameter = "IMAGE" }
        template.imagesAllowed = [ImagePattern("maven:*")]
        var talk = Talk.subscribed([template])
        talk.poll([item(1, ["IMAGE": "maven:3.9"])])
        let effects = talk.offer()
        talk.tell(.nodeCreated(effects.created[0], AgentSecret("x")))
        #expect(talk.planner.agents.values.map(\.image) == ["maven:3.9"])
        talk = Talk.subscribed([template])
        talk.poll([item(1, ["IMAGE": "evil:latest"])])
        #expect(talk.planner.agents.isEmpty)
        let reasons = talk.planner.status(at: talk.now).waiting.map(\.reason)
        #expect(reasons == ["image evil:latest is not among those allowed"])
    }

    @Test func `builds that wish for different images ask for agents of their own`() {
        var template = sized { $0.imageParameter = "IMAGE" }
        template.imagesAllowed = [ImagePattern("*")]
        var talk = Talk.subscribed([template])
        let items = [item(1, ["IMAGE": "a:1"]), item(2, ["IMAGE": "b:1"]), item(3)]
        talk.poll(items)
        talk.poll(items)
        #expect(talk.planner.agents.values.map { $0.image ?? "-" }.sorted() == ["-", "a:1", "b:1"])
    }

    @Test func `a label names an image, and its node carries the label`() {
        var template = AgentTemplate.named("docker")
        template.imageFromLabel = true
        template.imagesAllowed = [ImagePattern("maven:*")]
        var talk = Talk.subscribed([template])
        talk.poll([.buildable(1, "docker:maven:3.9"), .buildable(2, "docker:evil:1"), .buildable(3, "docker")])
        #expect(talk.planner.agents.count == 2)
        let reasons = talk.planner.status(at: talk.now).waiting.map(\.reason)
        #expect(reasons[1] == "no template serves 'docker:evil:1'")
        let created = talk.offer().compactMap { if case .createNode(let node) = $0 { node.labels } else { nil } }
        #expect(Set(created) == [["docker", "docker:maven:3.9"], ["docker"]])
        talk.poll([.buildable(1, "docker:maven:3.9"), .buildable(3, "docker")])
        #expect(talk.planner.agents.count == 2, "both are on their way")
    }

    @Test(arguments: [
        ("maven:*", "maven:3.9", true), ("maven:*", "xmaven:3", false), ("*", "", true), ("a?c", "abc", true),
        ("a?c", "ac", false), ("*/team/*:1", "reg:5000/team/app:1", true), ("*/team/*:1", "reg/team/app:2", false),
        ("", "", true), ("", "a", false), ("a**b", "a-b", true),
    ])
    func `image patterns are globs`(pattern: String, image: String, matches: Bool) {
        #expect(ImagePattern(pattern).matches(image) == matches)
    }

    @Test func `job patterns are regular expressions over the whole name`() throws {
        let pattern = try #require(JobPattern("release/(app|lib)-\\d+"))
        #expect(pattern.matches("release/app-12") && !pattern.matches("release/app-12x"))
        #expect(JobPattern("(") == nil)
    }

    @Test(arguments: [
        ("part of folder/app #12", "folder/app"), ("folder/app #12 (test stage #2)", "folder/app"),
        ("app #3 (deploy)", "app"),
    ])
    func `the job of a pipeline step is read from its name`(name: String, job: String) {
        let step = QueueItem(
            id: 1, phase: .buildable, taskClass: "x.ExecutorStepExecution$PlaceholderTask", taskName: name)
        #expect(JobName.of(step) == job)
        #expect(JobName.ofBuild(url: "http://j/job/a%20b/job/c/7/") == "a b/c")
    }
}
