// What this host has to offer when the operator does not say.

import Glibc
import MesosProtocol
import Resources

package struct HostCapacity: Hashable, Sendable {
    package var cpus: Int
    package var memoryMB: Int64
    /// File system of the work directory.
    package var diskMB: Int64
    /// NVIDIA devices that may be offered.
    package var gpus = 0

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
            // A shift binds more tightly than a product in Swift.
            cpus: max(1, cpus), memoryMB: (Int64(max(0, pages)) * Int64(max(0, pageSize))) >> 20,
            diskMB: hasDisk ? Int64(clamping: (UInt64(disk.f_blocks) * UInt64(disk.f_frsize)) >> 20) : 0)
    }

    /// What is offered of it: the host keeps a part for itself.
    package var offered: Resources {
        Resources(
            cpus: Scalar(milli: Int64(cpus) * 1000),
            mem: Scalar(milli: (memoryMB >= 2048 ? memoryMB - 1024 : memoryMB / 2) * 1000),
            disk: Scalar(milli: (diskMB >= 10 * 1024 ? diskMB - 5 * 1024 : diskMB / 2) * 1000),
            gpus: Scalar(milli: Int64(gpus) * 1000))
    }
}

/// The NVIDIA devices of this host, as the driver's device files show them.
package enum HostGPUs {
    /// Which to offer: those named, or all if the isolation asks for GPUs, as in Apache Mesos; else none, because a master
    /// keeps hosts with GPUs from frameworks that do not ask for them.
    ///
    /// - Parameters:
    ///   - named: `--nvidia_gpu_devices`: the numbers of devices.
    ///   - directory: Where the device files are.
    package static func offered(
        named: [String]?, isolation: [String], directory: String = "/dev"
    ) throws(AgentStartError) -> [Int] {
        let found = DurableFile.names(in: directory).compactMap { name in
            name.hasPrefix("nvidia") ? Int(name.dropFirst("nvidia".count)) : nil
        }.sorted()
        guard let named else { return isolation.contains("gpu/nvidia") ? found : [] }
        var devices: [Int] = []
        for text in named {
            guard let number = Int(text), number >= 0 else {
                throw .invalidResources("nvidia_gpu_devices: '\(text)' is not the number of a device")
            }
            guard found.contains(number) else {
                throw .invalidResources("nvidia_gpu_devices: there is no \(directory)/nvidia\(number)")
            }
            guard !devices.contains(number) else {
                throw .invalidResources("nvidia_gpu_devices: \(number) occurs twice")
            }
            devices.append(number)
        }
        return devices
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
        let text = text ?? ""
        let isJSON = text.first { !$0.isWhitespace } == "["
        let (given, named) = isJSON ? try parse(json: text, role) : try parse(text: text, role)
        // `cpus:0` says that there are none; only a name that does not occur is detected.
        var result = given
        for entry in host.offered.entries where !named.contains(entry.name) { result.add(entry) }
        if !named.contains("ports") {
            result.add(ResourceEntry(name: "ports", value: .ranges(Ranges([31000...32000]))))
        }
        return result
    }

    private static func parse(
        text: String, _ role: RoleName
    ) throws(AgentStartError) -> (given: Resources, names: Set<String>) {
        let given: Resources
        do { given = try Resources.parse(text, defaultRole: role) } catch { throw .invalidResources("\(error)") }
        let names = text.split(whereSeparator: { $0 == ";" || $0.isNewline }).compactMap { part in
            part.split(separator: ":").first.map { name in
                String(name.prefix { $0 != "(" }).filter { !$0.isWhitespace }
            }
        }
        return (given, Set(names))
    }

    /// An array of `Resource` objects, as in messages.
    private static func parse(
        json: String, _ role: RoleName
    ) throws(AgentStartError) -> (given: Resources, names: Set<String>) {
        let elements: [JSONValue]
        do throws(JSONSyntaxError) {
            elements = try JSONValue(parsing: Array(json.utf8)).arrayValue ?? []
        } catch {
            throw .invalidResources("not a JSON array: \(error)")
        }
        var given = Resources()
        var kinds: [String: V1Value.TypeEnum] = [:]
        for (index, element) in elements.enumerated() {
            let place = "[\(index)]"
            let message = try resource(element, role, place)
            if let kind = kinds.updateValue(message.type, forKey: message.name), kind != message.type {
                throw .invalidResources("\(place): '\(message.name)' has two types")
            }
            do throws(ResourceConversionError) { given += try Resources([message]) } catch {
                throw .invalidResources("\(place) '\(message.name)': \(error)")
            }
        }
        return (given, Set(kinds.keys))
    }

    private static func resource(
        _ element: JSONValue, _ role: RoleName, _ place: String
    ) throws(AgentStartError) -> V1Resource {
        var message: V1Resource
        do throws(MesosJSONError) { message = try MesosJSON.decode(from: element) } catch {
            throw .invalidResources("\(place): \(error)")
        }
        // A host has these by what frameworks and operators do, not by what it is.
        if message.disk.hasPersistence {
            throw .invalidResources("\(place): persistent volumes are made with CREATE, not at start")
        }
        if message.hasReservation || message.reservations.contains(where: { $0.type == .dynamic }) {
            throw .invalidResources("\(place): dynamic reservations are made with RESERVE, not at start")
        }
        if message.hasRevocable { throw .invalidResources("\(place): a host has no revocable resources") }
        if message.reservations.isEmpty, !message.hasRole || message.role == RoleName.any.value, role != .any {
            message.role = role.value
        }
        return message
    }
}
