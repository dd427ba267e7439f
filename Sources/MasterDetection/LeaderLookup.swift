// Who leads just now: for whoever asks once and does not follow.
import Logging

extension MasterDetector {
    /// The leader, as soon as one is known.
    ///
    /// - Parameter limit: How long to look.
    /// - Returns: nil if none is known by then.
    public static func leader(at location: MasterLocation, within limit: Duration) async -> DetectedMaster? {
        let quiet = Logger(label: "leader") { _ in SwiftLogNoOpLogHandler() }
        let detector = MasterDetector(location: location, logger: quiet)
        let found = await withTaskGroup(of: DetectedMaster?.self) { group in
            group.addTask {
                for await master in detector.masters {
                    if let master { return master }
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        await detector.stop()
        return found
    }
}
