// One random stream of events, given to the allocator and to its slow twin, with the auditor watching.

import Allocator
import Resources
import SimKit

package enum TwinStream {
    /// What differed, with the story that led there; nil if nothing did.
    ///
    /// - Parameter seed: Decides everything. One stream in sixty-four is long, so that what is remembered from round to round
    ///   gets old.
    package static func disagreement(seed: UInt64) throws -> String? {
        var source = try EventSource(seed: seed)
        var settings = settings(&source.random)
        // From a sequence of its own, so that old seeds still tell the same story.
        var extras = SeededRandom(seed: ~seed)
        if extras.chance(20) { settings.offerSplit = Int.random(in: 2...3, using: &extras) }
        // A short memory, so that its bounds are met.
        var allocator = Allocator(settings: settings, rememberingMax: [64, 2, 1][Int(seed % 3)])
        let (isWatched, isRecorded) = (seed % 4 == 1, seed % 8 == 2)
        if isRecorded { allocator.startRecording() }
        var twin = ReferenceAllocator(settings: settings)
        var now = Instant.zero
        var log = ["\(settings)"]
        for step in 0..<(seed % 64 == 63 ? 80 : 14) {
            for _ in 0..<Int.random(in: 1...3, using: &source.random) {
                let event = source.next(given: twin)
                log.append("\(event)")
                allocator.apply(event, at: now)
                twin.apply(event, at: now)
            }
            if source.random.chance(30) {
                now = now.advanced(by: .milliseconds(Int.random(in: 1...3_000, using: &source.random)))
                log.append("time is \(Instant.zero.duration(to: now))")
            }
            if isWatched, let role = source.roles.first { allocator.watch(role, at: now) }
            let roundSeed = source.random.next()
            let expected = twin.allocate(at: now, seed: roundSeed)
            let (made, violations) = AllocationAudit.allocate(&allocator, at: now, seed: roundSeed)
            guard made == expected, violations.isEmpty else {
                let story = log.joined(separator: "\n")
                return "seed \(seed), step \(step): \(made), twin \(expected)\n\(violations)\n\(story)"
            }
            log.append("allocated \(made)")
            if isWatched, let left = takeable(allocator, source.roles) {
                return "seed \(seed), step \(step): \(left)\n\(log.joined(separator: "\n"))"
            }
        }
        return isRecorded ? try replayed(allocator.takeRecord()).map { "seed \(seed): \($0)" } : nil
    }

    /// Somebody of whom it is said, right after an allocation, that it would be offered something.
    private static func takeable(_ allocator: Allocator, _ roles: [RoleName]) -> String? {
        if allocator.isPaused { return nil }
        for role in roles {
            for client in allocator.explain(role)?.clients ?? [] where client.takeable > 0 { return "\(client)" }
        }
        return nil
    }

    private static func replayed(_ calls: [AllocatorCall]) throws -> String? {
        var replay = AllocatorReplay()
        for call in calls { try replay.play(call) }
        return replay.difference.map { "played again: \($0)" }
    }

    private static func settings(_ random: inout SeededRandom) -> AllocatorSettings {
        var settings = AllocatorSettings()
        if random.chance(20) { settings.minAllocatable = [] }
        if random.chance(20) { settings.fairSharingExcluded = ["gpus", "disk"] }
        if random.chance(50) { settings.region = "here" }
        if random.chance(15) { settings.roleSorter = .random }
        if random.chance(15) { settings.frameworkSorter = .random }
        return settings
    }
}
