// The book of tasks against the simplest list that does the same.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct TaskBookTests {
    private static func record(_ task: Int, _ framework: Int, _ agent: Int) -> TaskRecord {
        TaskRecord(
            key: TaskKey(framework: FrameworkID("f\(framework)"), task: TaskID("task-\(task)")),
            agent: AgentID("S\(agent)"), name: "t", role: .any, resources: Resources(cpus: Scalar(units: 1)),
            executor: "", state: .taskRunning, details: nil, sequence: 0)
    }

    @Test func `five thousand random steps leave what a plain list leaves`() {
        var generator = SplitMix64(seed: 11)
        var book = TaskBook()
        var list: [TaskRecord] = []
        for step in 0..<5_000 {
            if list.isEmpty || Int.random(in: 0..<3, using: &generator) > 0 {
                let record = Self.record(
                    step, Int.random(in: 0..<3, using: &generator), Int.random(in: 0..<40, using: &generator))
                book.insert(record)
                list.append(record)
            } else {
                let gone = list.remove(at: Int.random(in: 0..<list.count, using: &generator))
                #expect(book.remove(gone.key)?.key == gone.key)
                #expect(book.remove(gone.key) == nil)
            }
        }
        #expect(book.count == list.count)
        var seen: [TaskKey] = []
        book.forEach { seen.append($0.key) }
        #expect(seen.sorted() == list.map(\.key).sorted())
        for framework in 0..<3 {
            let id = FrameworkID("f\(framework)")
            #expect(book.tasks(of: id).map(\.key) == list.map(\.key).filter { $0.framework == id })
        }
        for agent in 0..<40 {
            let id = AgentID("S\(agent)")
            #expect(book.tasks(on: id).map(\.key) == list.filter { $0.agent == id }.map(\.key))
            #expect(book.keys(on: id) == book.tasks(on: id).map(\.key))
        }
    }

    @Test func `a task whose id is taken is not put in, and the one that is there stays as it is`() {
        var book = TaskBook()
        for task in 0..<1_000 { book.insert(Self.record(task, 0, 1)) }
        for task in stride(from: 0, to: 1_000, by: 7) {
            let isTaken = !book.insertNew(Self.record(task, 0, 2))
            #expect(isTaken)
            #expect(book[TaskKey(framework: "f0", task: TaskID("task-\(task)"))]?.agent == "S1")
        }
        let isNew = book.insertNew(Self.record(3, 1, 2))
        #expect(isNew)
        #expect(book.count == 1_001)
        #expect(book.keys(on: "S2") == [TaskKey(framework: "f1", task: "task-3")])
    }

    @Test func `a copy keeps its tasks while the book changes`() {
        var book = TaskBook()
        for task in 0..<1_000 { book.insert(Self.record(task, 0, task % 10)) }
        let copy = book
        for task in 0..<1_000 {
            book.update(TaskKey(framework: "f0", task: TaskID("task-\(task)"))) { $0.state = .taskFinished }
        }
        book.remove(TaskKey(framework: "f0", task: "task-5"))
        #expect(copy.count == 1_000)
        #expect(copy.tasks(of: "f0").allSatisfy { $0.state == .taskRunning })
        #expect(book.tasks(of: "f0").allSatisfy { $0.state == .taskFinished })
    }

    @Test func `a record of an ordinary task takes little more than a quarter of a kilobyte`() {
        #expect(MemoryLayout<TaskRecord>.size <= 264)
        // With what it says of the container in place.
        #expect(MemoryLayout<StatusSummary>.size <= 48)
    }
}
