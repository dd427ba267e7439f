// The file of the only hosts whose resources are offered, looked at again and again.
import Glibc
import Logging

/// Reads host names, one a line.
struct WhitelistFile: Sendable {
    /// How often the file is looked at, as in Apache Mesos.
    static let interval: Duration = .seconds(5)
    private static let bytesMax = 1 << 20

    let path: String
    let logger: Logger

    /// Reports the names at once and after each change. While the file cannot be read the last names stand; at first,
    /// nothing is offered.
    func follow(report: @Sendable (Set<String>) -> Void) async {
        var last: Set<String>?
        var isReadable = true
        while !Task.isCancelled {
            if let names = read() {
                if names != last {
                    if names.isEmpty { logger.warning("--whitelist: \(path) names no host: nothing is offered") }
                    report(names)
                    last = names
                }
                isReadable = true
            } else if isReadable {
                logger.error("--whitelist: cannot read \(path): \(String(cString: strerror(errno)))")
                isReadable = false
                if last == nil {
                    report([])
                    last = []
                }
            }
            try? await Task.sleep(for: Self.interval)
        }
    }

    private func read() -> Set<String>? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { return nil }
        let lines = String(decoding: bytes[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return Set(lines.map(String.init))
    }
}
