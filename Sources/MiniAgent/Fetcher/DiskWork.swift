// Work that waits for the disk, off the threads that everybody shares.

import Dispatch

/// Blocking file operations. Swift's own threads are as few as the cores: one that waits for a slow disk is missed.
enum DiskWork {
    private static let queue = DispatchQueue(label: "disk-work", qos: .utility, attributes: .concurrent)

    static func run<Result: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let outcome = await withCheckedContinuation {
            (continuation: CheckedContinuation<Swift.Result<Result, Failure>, Never>) in
            queue.async {
                do throws(Failure) { continuation.resume(returning: .success(try body())) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try outcome.get()
    }
}
