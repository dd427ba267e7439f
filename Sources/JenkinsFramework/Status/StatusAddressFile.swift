// Where a running framework's status is served, for commands that know only its configuration.
import FoundationEssentials
import Glibc

/// `status.url` in the state directory: one line, `http://host:port`. The port may have been picked by the system, so the
/// configuration alone does not tell it.
package struct StatusAddressFile: Sendable {
    private static let bytesMax = 1_024

    package let path: String

    package init(directory: String) { path = directory + "/status.url" }

    /// Written beside and renamed, so that no reader sees half of it. Failing is no harm: only commands miss it.
    package func write(_ url: String) {
        let temporary = path + ".new"
        guard (try? Data("\(url)\n".utf8).write(to: URL(filePath: temporary))) != nil else { return }
        if rename(temporary, path) != 0 { unlink(temporary) }
    }

    /// - Returns: nil if no framework wrote one, or ended in order.
    package func read() -> String? {
        guard let bytes = try? Data(contentsOf: URL(filePath: path)), bytes.count <= Self.bytesMax else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
        return line.hasPrefix("http") ? String(line) : nil
    }

    package func remove() { unlink(path) }
}
