// Where an agent keeps what a start of the host may take away: `--runtime_dir`.

import Glibc
import Hashing

/// Below `--runtime_dir`, which is usually in memory and may serve several agents of a host, each has a folder of its own.
///
/// There lies what serves only the running agent: the supervisors' files of commands that it runs beside process tasks. How
/// tasks ended lies in the work directory, because it is still to be reported after the host was started anew.
enum RuntimeDirectory {
    /// Where it is if nobody says; nil where this agent may not write. Apache Mesos has the same default.
    static var standard: String? {
        let places: [String] = ["/var/run/mesos", "/var/run"]
        return places.contains { access($0, W_OK | X_OK) == 0 } ? places[0] : nil
    }

    /// The folder of one agent; made when it is needed.
    ///
    /// - Parameters:
    ///   - path: Made if it is not there.
    ///   - workDirectory: Which agent it is.
    static func folder(in path: String, workDirectory: String) throws(FileError) -> String {
        try DurableFile.makeDirectories(path)
        guard let resolved = realpath(path, nil) else { throw FileError("resolve", path) }
        defer { free(resolved) }
        let directory = String(cString: resolved)
        guard access(directory, W_OK | X_OK) == 0 else { throw FileError("write to", directory) }
        var digest = SHA256()
        digest.update(Array(workDirectory.utf8)[...])
        return "\(directory)/agent-\(digest.finish().prefix(16))"
    }
}
