// Whether the host has been started anew since the agent last ran on a work directory.

import Glibc

enum HostBoot {
    /// Compares the running system with the one that is on record, and records the running one.
    ///
    /// - Parameter source: Where the system says which of its lives this is.
    /// - Returns: Whether there was another. Without a record, or without knowledge, there was not.
    static func wasRestarted(
        _ paths: AgentPaths, source: String = "/proc/sys/kernel/random/boot_id"
    ) throws(FileError) -> Bool {
        guard let current = try DurableFile.read(source, bytesMax: 256), !current.isEmpty else { return false }
        let known = try DurableFile.read(paths.bootID, bytesMax: 256)
        if known == current { return false }
        try DurableFile.createDirectories(paths.meta)
        try DurableFile.replace(paths.bootID, with: current)
        return known != nil
    }
}
