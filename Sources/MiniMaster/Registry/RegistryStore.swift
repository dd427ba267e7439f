// What the shell asks of a place that keeps the registry, whichever it is.
import MesosProtocol
import Resources

/// A registry read back after a claim was written.
struct RegistryContents: Sendable {
    var state = RegistryState()
    /// Entries that could not be understood. They stay where they are.
    var unreadable: [String] = []
}

/// Where the registry is kept. One owner, one request at a time.
protocol RegistryStore: Sendable {
    /// Writes who leads, fenced, and reads everything after it.
    func recover(_ term: Term, claim: V1MasterInfo) async throws(RegistryStoreError) -> RegistryContents

    /// Makes all changes durable, or none.
    func write(_ term: Term, _ write: RegistryWrite) async throws(RegistryStoreError)
}

struct RegistryStoreError: Error, Sendable {
    let failure: RegistryFailure

    init(_ failure: RegistryFailure) { self.failure = failure }

    static func unavailable(_ reason: String) -> RegistryStoreError { RegistryStoreError(.unavailable(reason)) }
}
