// What is known of the sizes that jobs need: measured, stepped up after kills for want of memory, and asked for by builds.
import Resources

struct SizeAdvice: Equatable, Sendable {
    private static let jobsMax = 20_000

    private var measured: [String: Resources] = [:]
    /// MiB that jobs should have after they ran out of memory.
    private var steps: [String: Scalar] = [:]
    /// An item's wish never changes while it is queued.
    private var wishes: [QueueItemID: BuildWish] = [:]

    mutating func advise(_ advice: [String: Resources]) {
        measured = advice
        forgetWishes()
    }

    mutating func forgetWishes() { wishes = [:] }

    /// Half as much again as it had; the template's bounds hold all the same.
    mutating func ranOutOfMemory(_ job: String, had: Scalar) {
        if steps.count >= Self.jobsMax { steps = [:] }
        let stepped = Scalar(milli: min(had.milli, .max / 4) * 3 / 2)
        steps[job] = max(steps[job] ?? .zero, stepped)
        forgetWishes()
    }

    func advice(for job: String) -> Resources? {
        guard let step = steps[job] else { return measured[job] }
        let known = measured[job] ?? Resources()
        return Resources(cpus: known["cpus"], mem: max(known["mem"], step))
    }

    /// - Parameter template: The first that serves the item's label.
    mutating func wish(of item: QueueItem, template: AgentTemplate) -> BuildWish {
        if let known = wishes[item.id] { return known }
        let wish = template.wish(of: item, advice: advice(for: JobName.of(item)))
        wishes[item.id] = wish
        return wish
    }

    mutating func keep(only items: [QueueItem]) {
        guard !wishes.isEmpty else { return }
        let present = Set(items.map(\.id))
        wishes = wishes.filter { present.contains($0.key) }
    }
}
