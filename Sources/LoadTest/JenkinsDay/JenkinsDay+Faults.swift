// What a day does to its controller besides killing it: every fault that test control knows.
import Mailbox

extension JenkinsDay {
    /// A fault of the controller that ends by itself or is taken back.
    func perform(_ fault: DayFault, _ farm: JenkinsFarm, lasting pause: Duration) async throws {
        let seconds = max(1, pause.components.seconds)
        let control = { (query: String) async throws in
            try await self.patiently { try await farm.controller.control(query) }
        }
        switch fault {
        case .freeze: try await control("action=freeze&seconds=\(seconds + 4)")
        case .restart:
            note(controllerEnd: Self.milliseconds)
            try await control("action=restart&seconds=\(seconds)")
        case .refuse:
            for status in [500, 503, 403] { try await control("action=fail&path=/computer&status=\(status)&times=3") }
        case .delay: try await control("action=delay-answer&path=/computer/&seconds=\(seconds + 1)&times=4")
        case .drop: try await control("action=drop-answer&path=/computer/&method=POST&times=4")
        case .expireCrumbs: try await control("action=expire-crumb")
        case .buildOnDrain:
            let name = "late-\(progress.withLock { $0.uninvited.count })"
            let job = FarmJob(name, .freestyle(label: nil), command: farm.ledger.command(seconds: 0.5))
            try await patiently {
                do throws(FarmController.Failure) {
                    try await farm.controller.create(job)
                } catch  where error.status == 400 {}  // It exists: an earlier answer was lost.
            }
            try await control("action=build-on-drain&job=\(name)")
            progress.withLock { $0.uninvited.append(name) }
        case .german, .hideJobs, .quietDown:
            let (on, off) =
                switch fault {
                case .german: ("action=locale&value=de", "action=locale&value=en")
                case .hideJobs: ("action=hide-jobs", "action=hide-jobs&value=false")
                default: ("action=quiet-down", "action=quiet-down&value=false")
                }
            try await control(on)
            try await Task.sleep(for: pause)
            try await control(off)
        }
    }

    /// Repeats what a controller does not take that another fault has brought down or frozen.
    private func patiently(_ request: () async throws -> Void) async throws {
        for attempt in 1... {
            do { return try await request() } catch {
                if attempt == 50 { throw error }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
