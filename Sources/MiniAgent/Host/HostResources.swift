// What this host has to offer when the operator does not say.

import Glibc
import Resources

package struct HostCapacity: Hashable, Sendable {
    package var cpus: Int
    package var memoryMB: Int64
    /// File system of the work directory.
    package var diskMB: Int64

    package init(cpus: Int, memoryMB: Int64, diskMB: Int64) {
        self.cpus = cpus
        self.memoryMB = memoryMB
        self.diskMB = diskMB
    }

    package static func measure(workDirectory: String) -> HostCapacity {
        let cpus = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let pageSize = sysconf(Int32(_SC_PAGESIZE))
        var disk = statvfs()
        let hasDisk = statvfs(workDirectory, &disk) == 0
        return HostCapacity(
            cpus: max(1, cpus), memoryMB: Int64(max(0, pages)) * Int64(max(0, pageSize)) >> 20,
            diskMB: hasDisk ? Int64(clamping: UInt64(disk.f_blocks) * UInt64(disk.f_frsize) >> 20) : 0)
    }

    /// What is offered of it: the host keeps a part for itself.
    package var offered: Resources {
        Resources(
            cpus: Scalar(milli: Int64(cpus) * 1000),
            mem: Scalar(milli: (memoryMB >= 2048 ? memoryMB - 1024 : memoryMB / 2) * 1000),
            disk: Scalar(milli: (diskMB >= 10 * 1024 ? diskMB - 5 * 1024 : diskMB / 2) * 1000))
    }
}

package enum AgentResources {
    /// The resources of the flag, and what it leaves out as detected.
    package static func parse(
        _ text: String?, defaultRole: String, host: HostCapacity
    ) throws(AgentStartError) -> Resources {
        let role: RoleName
        do { role = try RoleName(defaultRole) } catch {
            throw .invalidResources("default_role '\(defaultRole)': \(error)")
        }
        var given = Resources()
        if let text, !text.isEmpty {
            do { given = try Resources.parse(text, defaultRole: role) } catch { throw .invalidResources("\(error)") }
        }
        // `cpus:0` in the text says that there are none; only a name that does not occur is detected.
        let named = names(in: text ?? "")
        var result = given
        for entry in host.offered.entries where !named.contains(entry.name) { result.add(entry) }
        if !named.contains("ports") {
            result.add(ResourceEntry(name: "ports", value: .ranges(Ranges([31000...32000]))))
        }
        return result
    }

    private static func names(in text: String) -> Set<String> {
        Set(
            text.split(separator: ";").compactMap { part in
                part.split(separator: ":").first.map { name in
                    String(name.prefix { $0 != "(" }).filter { !$0.isWhitespace }
                }
            })
    }
}
