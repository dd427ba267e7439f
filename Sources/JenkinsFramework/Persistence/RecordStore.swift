// Where the planner's memory is kept: asked for durable writes, one after the other.
import Resources

/// Why the state could not be kept.
struct RecordStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    var description: String
    /// Another process leads: what this one wants to write is void.
    var isDeposed = false
}

/// One owner, one request at a time.
protocol RecordStore: Sendable {
    /// Durable when it returns.
    func keep(_ record: PlannerRecord) async throws(RecordStoreError)
}

extension StateFile: RecordStore {
    func keep(_ record: PlannerRecord) async throws(RecordStoreError) {
        do throws(StateFileError) {
            try save(record)
        } catch {
            throw RecordStoreError(description: "\(error)")
        }
    }
}
