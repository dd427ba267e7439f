// Clusters as rules see them, and a book that is walked through time.
import Alerts
import Resources

enum Samples {
    static func cluster(_ change: (inout ClusterSample) -> Void = { _ in }) -> ClusterSample {
        var sample = ClusterSample(
            cpus: 320, memoryMiB: 1_310_720,
            roles: [
                role("ci", wanting: 1, allocated: 40, left: 100), role("batch", wanting: 0, allocated: 180, left: 100),
            ],
            masters: 3, quorum: 2, farms: [.init(url: "http://j1:8081", waits: [])])
        change(&sample)
        return sample
    }

    static func role(_ name: String, wanting: Int, allocated: Double, left: Double) -> ClusterSample.Role {
        .init(
            name: name, wanting: wanting, allocatedCPUs: allocated, allocatedMemoryMiB: allocated * 4_096,
            obtainableCPUs: left, obtainableMemoryMiB: left * 4_096)
    }

    static let full: ClusterSample = cluster {
        $0.roles = [role("ci", wanting: 1, allocated: 40, left: 2), role("batch", wanting: 0, allocated: 278, left: 2)]
    }

    static func wait(_ reason: String, minutes: Double, label: String = "linux") -> ClusterSample.Farm.Wait {
        .init(job: "compile", reason: reason, label: label, seconds: minutes * 60)
    }

    /// A cluster in which exactly this rule's condition holds.
    static func sick(of rule: String) -> ClusterSample {
        cluster {
            switch rule {
            case "RoleStarved": $0 = full
            case "AgentsLost": $0.lostAgents = ["a7"]
            case "QuorumThin": $0.masters = 2
            case "EngineStalled": $0.stalledAgents = [.init(host: "a3", reason: "docker info took 10 s")]
            case "BuildsWaiting": $0.farms[0].waits = [wait("no_offer", minutes: 11)]
            case "LabelUnserved": $0.farms[0].waits = [wait("unserved", minutes: 1, label: "windows")]
            default: break
            }
        }
    }
}

/// A book and its clock.
struct Watch {
    var book: AlertBook
    private(set) var now = Moment(instant: .zero, wall: WallTime(nanoseconds: 1_700_000_000_000_000_000))

    init(_ settings: AlertBook.Settings = .init()) { book = AlertBook(settings) }

    /// An hour and more in which each condition comes and goes before its time; what was told on the way.
    mutating func healthyHour() -> [AlertNews] {
        var told: [AlertNews] = []
        for _ in 0..<5 {
            told += see(Samples.cluster(), for: 300)
            told += see(Samples.full, for: 180)
            told += see(Samples.cluster { $0.lostAgents = ["a1"] }, for: 60)
            told += see(Samples.cluster { $0.masters = 2 }, for: 60)
            told += see(Samples.sick(of: "EngineStalled"), for: 45)
            told += see(Samples.cluster { $0.farms[0].waits = [Samples.wait("no_offer", minutes: 9)] }, for: 60)
            told += see(Samples.sick(of: "LabelUnserved"), for: 240)
            told += see(
                Samples.cluster { $0.farms[0].waits = [Samples.wait("not_buildable", minutes: 90)] }, for: 120)
            // A farm that does not answer says nothing about its builds.
            told += see(Samples.cluster { $0.farms[0].waits = nil }, for: 120)
        }
        return told
    }

    /// Shows the same sample every 15 seconds for a while; what was told on the way.
    mutating func see(_ sample: ClusterSample, for seconds: Int) -> [AlertNews] {
        var told: [AlertNews] = []
        for _ in stride(from: 0, to: seconds, by: 15) {
            now = now.advanced(by: .seconds(15))
            for case .tell(let news) in book.step(.sampled(sample), at: now) { told += news }
        }
        return told
    }
}
