// The commands that run beside tasks, from their launch until somebody has asked how they ended.

import Glibc
import HTTPServer
import Logging
import Mailbox
import MesosProtocol
import Resources

/// Names a nested container: the container it runs in and its own name there.
struct NestedContainerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// As Apache Mesos has it: names become names of folders.
    static let nameBytesMax = 242

    let parent: ContainerID
    let name: String

    /// - Returns: Nil if it names no container inside another, or has characters that names may not have.
    init?(_ message: V1ContainerID) {
        guard message.hasParent, Self.isName(message.value), Self.isName(message.parent.value) else { return nil }
        parent = ContainerID(message.parent.value)
        name = message.value
    }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= nameBytesMax
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_".utf8.contains(byte)
            }
    }

    var description: String { "\(parent).\(name)" }

    static func < (left: Self, right: Self) -> Bool {
        (left.parent.value, left.name) < (right.parent.value, right.name)
    }
}

/// All nested containers of an agent. They do not outlive it.
actor NestedContainers {
    enum Refusal: Error, Hashable, Sendable {
        /// There is one of that name.
        case exists
        case unknown
        case stillRuns
        case tooMany
        /// Somebody else types already.
        case inputTaken
        case failed(String)
    }

    private struct Entry {
        var launch: Launch
        /// Nil while it is being started.
        var process: (any SessionProcess)?
        var watchers: [ProcessIOWriter] = []
        var isInputTaken = false
        var isUnwanted = false
        let end = Latch<SessionEnd>()
        var known: SessionEnd?
    }

    static let runningMax = 64
    private static let endedMax = 256

    private let runners: [ContainerizerKind: any SessionRunner]
    private let logger: Logger
    private var entries: [NestedContainerID: Entry] = [:]
    /// Oldest first.
    private var ended: [NestedContainerID] = []
    private var isStopped = false

    init(runners: [ContainerizerKind: any SessionRunner], logger: Logger) {
        self.runners = runners
        self.logger = logger
    }

    // MARK: Launch

    /// Starts a command whose output goes to `watcher`, and which is ended when the watcher goes.
    func openSession(
        _ id: NestedContainerID, _ request: SessionRequest, for watcher: ProcessIOWriter
    ) async throws(Refusal) {
        let process = try await start(id, request)
        watcher.stream.onClose { [weak self] end in
            if end != .closedByUs { Task { await self?.end(id, by: SIGKILL) } }
        }
        let beats = Task {
            while !Task.isCancelled {
                watcher.writeHeartbeat()
                try? await Task.sleep(for: watcher.heartbeatInterval)
            }
        }
        Task {
            await follow(id, process) { piece in
                // A watcher who does not read holds the command up; one who has gone does not.
                _ = await watcher.send(piece)
            }
            beats.cancel()
            watcher.stream.close()
        }
    }

    /// Starts a command whose output goes to files in the sandbox, and which lives as long as its container.
    func launch(_ id: NestedContainerID, _ request: SessionRequest) async throws(Refusal) {
        let output = SessionOutputFiles(directory: "\(request.launch.run.sandbox)/containers/\(id.name)")
        let process = try await start(id, request)
        Task {
            await follow(id, process) { piece in output.append(piece) }
            output.close()
        }
    }

    private func start(
        _ id: NestedContainerID, _ request: SessionRequest
    ) async throws(Refusal) -> any SessionProcess {
        if entries[id] != nil { throw .exists }
        guard !isStopped, entries.count - ended.count < Self.runningMax else { throw .tooMany }
        guard let runner = runners[request.launch.record.containerizer] else {
            throw .failed("the \(request.launch.record.containerizer.rawValue) containerizer is not enabled")
        }
        entries[id] = Entry(launch: request.launch)
        let process: any SessionProcess
        do throws(SessionFailure) { process = try await runner.start(request) } catch {
            entries[id]?.end.open(.unknown(error.description))
            entries[id] = nil
            throw .failed(error.description)
        }
        entries[id]?.process = process
        if isStopped || entries[id]?.isUnwanted ?? true { await process.send(signal: SIGKILL) }
        return process
    }

    /// Hands out what a command prints until it has ended.
    private func follow(
        _ id: NestedContainerID, _ process: any SessionProcess,
        _ output: @Sendable (SessionPipe.Piece) async -> Void
    ) async {
        while let piece = await process.pipe.next() {
            for watcher in entries[id]?.watchers ?? [] { watcher.write(piece) }
            await output(piece)
        }
        let end = await process.end()
        process.pipe.close()
        for watcher in entries[id]?.watchers ?? [] { watcher.stream.close() }
        entries[id]?.watchers = []
        entries[id]?.process = nil
        entries[id]?.known = end
        entries[id]?.end.open(end)
        ended.append(id)
        while ended.count > Self.endedMax { entries[ended.removeFirst()] = nil }
    }

    // MARK: While it runs

    /// Whose container it runs in; nil if there is none of that name.
    func launch(of id: NestedContainerID) -> Launch? { entries[id]?.launch }

    /// Waits for the end; nil if there is none of that name, or the caller was cancelled.
    func wait(for id: NestedContainerID) async -> SessionEnd? {
        guard let latch = entries[id]?.end else { return nil }
        return await latch.wait()
    }

    func kill(_ id: NestedContainerID, signal: Int32) async throws(Refusal) {
        guard entries[id] != nil else { throw .unknown }
        await end(id, by: signal)
    }

    private func end(_ id: NestedContainerID, by signal: Int32) async {
        guard let entry = entries[id], entry.known == nil else { return }
        if signal == SIGKILL { entries[id]?.isUnwanted = true }
        await entry.process?.send(signal: signal)
    }

    /// Forgets one that has ended.
    func remove(_ id: NestedContainerID) throws(Refusal) {
        guard let entry = entries[id] else { throw .unknown }
        guard entry.known != nil else { throw .stillRuns }
        entries[id] = nil
        ended.removeAll { $0 == id }
    }

    /// Adds somebody who reads what is printed from now on.
    func watch(_ id: NestedContainerID, with watcher: ProcessIOWriter) throws(Refusal) {
        guard let entry = entries[id], entry.known == nil else { throw .unknown }
        entries[id]?.watchers.append(watcher)
    }

    // MARK: Input

    /// The command, for somebody who types to it; nobody else may until ``releaseInput(_:)``.
    func takeInput(_ id: NestedContainerID) throws(Refusal) -> any SessionProcess {
        guard let entry = entries[id] else { throw .unknown }
        guard let process = entry.process else { throw .failed("The container has ended") }
        guard !entry.isInputTaken else { throw .inputTaken }
        entries[id]?.isInputTaken = true
        return process
    }

    /// The standard input of a task's own container; nil if it has none.
    func taskInput(of launch: Launch) async throws(Refusal) -> (any SessionProcess)? {
        guard let runner = runners[launch.record.containerizer] else { return nil }
        do throws(SessionFailure) { return try await runner.attachInput(to: launch) } catch {
            throw .failed(error.description)
        }
    }

    func releaseInput(_ id: NestedContainerID) { entries[id]?.isInputTaken = false }

    // MARK: Ends

    /// A task's container has ended; what ran beside it ends, too.
    func parentEnded(_ parent: ContainerID) async {
        for id in entries.keys.filter({ $0.parent == parent }).sorted() { await end(id, by: SIGKILL) }
    }

    func stop() async {
        isStopped = true
        for id in entries.keys.sorted() { await end(id, by: SIGKILL) }
    }

    /// For lists: those that run.
    var running: [NestedContainerID] { entries.filter { $0.value.known == nil }.keys.sorted() }
}

/// The output of a nested container that nobody watches.
private final class SessionOutputFiles: Sendable {
    /// Of each file. What comes after it is dropped, with a line that says so.
    private static let bytesMax = 64 << 20

    private struct File {
        var descriptor: Int32
        var bytes = 0
    }
    private let files: Locked<[SessionPipe.Stream: File]>

    init(directory: String) {
        mkdir(DurableFile.parent(of: directory), 0o750)
        mkdir(directory, 0o750)
        let open = { (name: String) in
            File(
                descriptor: Glibc.open(
                    "\(directory)/\(name)", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644))
        }
        files = Locked([.output: open("stdout"), .error: open("stderr")])
    }

    func append(_ piece: SessionPipe.Piece) {
        files.withLock { files in
            guard var file = files[piece.stream], file.descriptor >= 0, file.bytes < Self.bytesMax else { return }
            file.bytes += piece.bytes.count
            _ = write(file.descriptor, piece.bytes, piece.bytes.count)
            if file.bytes >= Self.bytesMax {
                let notice = Array("\n[more output than \(Self.bytesMax) bytes: the rest is dropped]\n".utf8)
                _ = write(file.descriptor, notice, notice.count)
            }
            files[piece.stream] = file
        }
    }

    func close() {
        files.withLock { files in
            for file in files.values where file.descriptor >= 0 { Glibc.close(file.descriptor) }
            files = [:]
        }
    }
}
