// The C memory of one multi request, which the library writes to until the answer has come.

import CZooKeeper
import Glibc

/// Operations, results and every buffer they point to, freed together.
///
/// Unchecked because raw pointers are not Sendable: the library alone writes to the buffers between sending and the
/// completion, and whoever awaited the completion alone reads them after it. The request keeps this object alive.
final class Transaction: @unchecked Sendable {
    let count: Int32
    let operations: UnsafeMutablePointer<zoo_op_t>
    let results: UnsafeMutablePointer<zoo_op_result_t>
    private let source: [ZooKeeperOperation]
    private var buffers: [UnsafeMutableRawPointer] = []
    private var stats: [Int: UnsafeMutablePointer<Stat>] = [:]

    init(_ source: [ZooKeeperOperation]) {
        self.source = source
        count = Int32(source.count)
        operations = .allocate(capacity: source.count)
        operations.initialize(repeating: zoo_op_t(), count: source.count)
        results = .allocate(capacity: source.count)
        results.initialize(repeating: zoo_op_result_t(), count: source.count)
        for (index, operation) in source.enumerated() { prepare(operation, at: index) }
    }

    deinit {
        for buffer in buffers { buffer.deallocate() }
        operations.deallocate()
        results.deallocate()
    }

    /// Reads what the library left behind.
    ///
    /// - Parameter code: The completion's code. On a refusal the results before the refused operation say "fine", and
    ///   those after it "not executed".
    func outcome(_ code: Int32) -> Result<[ZooKeeperOperationResult], ZooKeeperMultiError> {
        guard code == ZOK.rawValue else {
            let refused = source.indices.first { results[$0].err != ZOK.rawValue }
            // Without a server's verdict the results are as they were initialised.
            let index = refused.flatMap { results[$0].err == code ? $0 : nil }
            return .failure(ZooKeeperMultiError(index: index, error: ZooKeeperError(code: code)))
        }
        return .success(
            source.indices.map { index in
                switch source[index] {
                case .create(let path, _, _, _):
                    .created(path: results[index].value.map { String(cString: $0) } ?? path)
                case .set: .set(ZNodeStat(stats[index]?.pointee ?? Stat()))
                case .delete: .deleted
                case .check: .checked
                }
            })
    }

    private func prepare(_ operation: ZooKeeperOperation, at index: Int) {
        let path = copy(Array(operation.path.utf8) + [0])
        let target = operations + index
        switch operation {
        case .create(_, let data, let mode, let acl):
            let pathBytes = operation.path.utf8.count + 16  // Room for a sequential znode's counter.
            let named = copy([UInt8](repeating: 0, count: pathBytes))
            zoo_create_op_init(
                target, path, copy(data), Int32(data.count), acl.vector, mode.flags, named, Int32(pathBytes))
        case .set(_, let data, let version):
            let stat = UnsafeMutablePointer<Stat>.allocate(capacity: 1)
            stat.initialize(to: Stat())
            buffers.append(UnsafeMutableRawPointer(stat))
            stats[index] = stat
            zoo_set_op_init(target, path, copy(data), Int32(data.count), version ?? anyVersion, stat)
        case .delete(_, let version): zoo_delete_op_init(target, path, version ?? anyVersion)
        case .check(_, let version): zoo_check_op_init(target, path, version ?? anyVersion)
        }
    }

    private func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar> {
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        buffer.copyMemory(from: bytes, byteCount: bytes.count)
        buffers.append(buffer)
        return buffer.bindMemory(to: CChar.self, capacity: max(1, bytes.count))
    }
}

/// What the protocol takes for "whatever version it has".
let anyVersion: Int32 = -1
