// The large documents: rendered once per version of the state, however many ask, and not at all for who has them.
import HTTPServer
import Mailbox
import MesosProtocol
import Resources
import Security

extension MasterAPI {
    /// Answers a document that follows from the cluster's state, with an `ETag` for its version.
    ///
    /// The version is the core's count of changes, so an unchanged state is recognised without looking at it. The tag is
    /// weak: the bytes differ with their compression.
    func document(
        _ request: RoutedRequest, _ body: @escaping @Sendable (StateDocuments) -> [UInt8]
    ) async -> HTTPResponse {
        guard let version = await shell.stateVersion() else { return Self.stopping }
        let tag = EntityTag(master: facts.selfInfo.id, version: version, principal: request.principal?.value)
        if tag.isMatched(by: request.http.headers(named: "If-None-Match")) {
            return .empty(304, headers: [("ETag", tag.text)])
        }
        let viewer = viewer(of: request)
        let key = DocumentCache.Key(target: request.http.target, principal: request.principal)
        let result = await documents.document(key, version: version) { [shell, facts] in
            guard let snapshot = await shell.snapshot() else { return .refused(Self.stopping) }
            guard let cluster = snapshot.core.cluster else {
                return .refused(
                    Self.refusal(by: snapshot.core.availability, request)
                        ?? .text(503, "Master has not finished recovery"))
            }
            return .bytes(body(StateDocuments(cluster, facts, for: viewer)), version: snapshot.core.stateVersion)
        }
        switch result {
        case .refused(let response): return response
        case .bytes(let bytes, let version):
            let tag = EntityTag(master: facts.selfInfo.id, version: version, principal: request.principal?.value)
            return request.json(bytes, headers: [("ETag", tag.text)])
        }
    }
}

/// Names a version of a document.
struct EntityTag: Equatable, Sendable {
    let text: String

    /// - Parameter principal: Two users may see different parts of one state.
    init(master: String, version: UInt64, principal: String?) {
        let user = principal.map {
            "-"
                + String(
                    $0.utf8.reduce(UInt64(14_695_981_039_346_656_037)) {
                        ($0 ^ UInt64($1)) &* 1_099_511_628_211
                    }, radix: 16)
        }
        text = "W/\"\(master.prefix(8))-\(version)\(user ?? "")\""
    }

    /// Compares as `If-None-Match` asks: a list of tags, weak or not, or `*`.
    func isMatched(by fields: [String]) -> Bool {
        let own = Self.opaque(text[...])
        return fields.contains { field in
            field.split(separator: ",").contains { element in
                let tag = element.drop { $0 == " " || $0 == "\t" }
                return tag.hasPrefix("*") || Self.opaque(tag) == own
            }
        }
    }

    /// From quote to quote.
    private static func opaque(_ tag: Substring) -> Substring {
        let rest = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
        guard rest.hasPrefix("\"") else { return "" }
        return rest.dropFirst().prefix { $0 != "\"" }
    }
}

/// Documents that are being rendered, shared by all who ask meanwhile, and the last few small ones.
final class DocumentCache: Sendable {
    struct Key: Hashable, Sendable {
        var target: String
        var principal: Principal?
    }

    enum Result: Sendable {
        case bytes([UInt8], version: UInt64)
        case refused(HTTPResponse)
    }

    private struct Entry {
        var version: UInt64
        var work: Task<Result, Never>
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var uses: UInt64 = 0
    }

    /// Larger documents are shared only while they are being rendered: one of a big cluster takes tens of megabytes.
    static let keptBytesMax = 2 << 20
    static let entriesMax = 16

    private let state = Locked(State())

    /// The document of that version, or of a later one.
    func document(
        _ key: Key, version: UInt64, _ render: @escaping @Sendable () async -> Result
    ) async -> Result {
        let (work, isOurs) = state.withLock { state -> (Task<Result, Never>, Bool) in
            state.uses += 1
            if var entry = state.entries[key], entry.version >= version {
                entry.lastUse = state.uses
                state.entries[key] = entry
                return (entry.work, false)
            }
            let work = Task { await render() }
            state.entries[key] = Entry(version: version, work: work, lastUse: state.uses)
            if state.entries.count > Self.entriesMax,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                state.entries[oldest] = nil
            }
            return (work, true)
        }
        let result = await work.value
        if isOurs { settle(key, version: version, result) }
        return result
    }

    /// Keeps what is small.
    private func settle(_ key: Key, version: UInt64, _ result: Result) {
        state.withLock { state in
            guard let entry = state.entries[key], entry.version == version else { return }
            if case .bytes(let bytes, let actual) = result, bytes.count <= Self.keptBytesMax {
                state.entries[key]?.version = max(version, actual)
            } else {
                state.entries[key] = nil
            }
        }
    }
}
