// The queue between the stream of a master and the framework that reads it, with a bound that slows the stream down.
import Mailbox

/// Elements for one reader; producers that ask wait while it is full.
final class EventBacklog<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var reader: CheckedContinuation<Element?, Never>?
        var producers: [CheckedContinuation<Void, Never>] = []
        var isFinished = false
    }

    private let state = Locked(State())
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    /// Adds without waiting; the bound is kept by producers that call `waitForRoom` first.
    func add(_ element: Element) {
        let reader = state.withLock { state -> CheckedContinuation<Element?, Never>? in
            if state.isFinished { return nil }
            guard let reader = state.reader else {
                state.elements.append(element)
                return nil
            }
            state.reader = nil
            return reader
        }
        reader?.resume(returning: element)
    }

    /// The next element, or nil once finished and empty.
    func next() async -> Element? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let (ready, producers) = state.withLock { state -> (Element??, [CheckedContinuation<Void, Never>]) in
                    if state.elements.isEmpty {
                        if state.isFinished || Task.isCancelled { return (.some(nil), []) }
                        state.reader?.resume(returning: nil)
                        state.reader = reader
                        return (nil, [])
                    }
                    let element = state.elements.removeFirst()
                    guard state.elements.count < countMax else { return (element, []) }
                    defer { state.producers = [] }
                    return (element, state.producers)
                }
                producers.forEach { $0.resume() }
                if let ready { reader.resume(returning: ready) }
            }
        } onCancel: {
            let reader = state.withLock { state -> CheckedContinuation<Element?, Never>? in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }
    }

    func waitForRoom() async {
        await withCheckedContinuation { producer in
            let mayGo = state.withLock { state -> Bool in
                if state.elements.count < countMax || state.isFinished { return true }
                state.producers.append(producer)
                return false
            }
            if mayGo { producer.resume() }
        }
    }

    func finish() {
        let (reader, producers) = state.withLock {
            state -> (CheckedContinuation<Element?, Never>?, [CheckedContinuation<Void, Never>]) in
            state.isFinished = true
            defer {
                state.reader = nil
                state.producers = []
            }
            return (state.reader, state.producers)
        }
        reader?.resume(returning: nil)
        producers.forEach { $0.resume() }
    }
}
