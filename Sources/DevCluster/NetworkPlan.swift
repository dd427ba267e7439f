// A network namespace for each process of a cluster, joined by a bridge, so that links between them can be cut.

import Glibc
import Processes

/// The namespaces of one cluster, their names and addresses.
///
/// The bridge is in a namespace of its own, where no rule of this host's packet filter applies; one cable leads from it to
/// this host. There is no way out of it. Addresses are of the range for benchmarks, 198.18.0.0/15.
struct NetworkPlan: Hashable, Sendable {
    /// Where `ip netns` keeps names.
    static let folder = "/run/netns"
    /// Nobody has this hardware address: what is sent to it is lost, as on a cable that is cut.
    private static let nobody = "02:00:00:00:00:01"

    /// The first letters of the cluster's id: a device's name has room for 15.
    var tag: String
    /// `198.18.7`, for 198.18.7.0/24.
    var prefix: String
    var names: [String]

    private static func tag(of clusterID: String) -> String { String(clusterID.prefix(10)) }
    private static func hostDevice(_ tag: String) -> String { "mini\(tag)" }
    private static func namespacePrefix(_ tag: String) -> String { "mini-\(tag)-" }

    var hostAddress: String { "\(prefix).1" }
    private var hostDevice: String { Self.hostDevice(tag) }
    private var hub: String { "\(Self.namespacePrefix(tag))hub" }

    /// - Returns: `nil` if no process of that name is part of the plan.
    func address(of name: String) -> String? { names.firstIndex(of: name).map { "\(prefix).\(10 + $0)" } }
    func namespace(of name: String) -> String? {
        names.contains(name) ? "\(Self.namespacePrefix(tag))\(name)" : nil
    }

    // MARK: Building

    /// A plan with a network that this host is not in.
    ///
    /// - Throws: ``ClusterError/host(_:)`` without root.
    static func choose(clusterID: String, names: [String]) throws(ClusterError) -> NetworkPlan {
        guard geteuid() == 0 else { throw .host("network namespaces need root") }
        for _ in 0..<100 {
            let prefix = "198.\(Int.random(in: 18...19)).\(Int.random(in: 0...255))"
            if !isOurs(address: "\(prefix).1") {
                return NetworkPlan(tag: tag(of: clusterID), prefix: prefix, names: names)
            }
        }
        throw .host("no network of 198.18.0.0/15 is free")
    }

    /// Whether one of this host's devices has that address.
    private static func isOurs(address: String) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = inet_addr(address)
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// The commands that make it, in order.
    var commands: [[String]] {
        var commands = [["netns", "add", hub]]
        commands += names.compactMap(namespace).map { ["netns", "add", $0] }
        commands += [
            ["link", "add", hostDevice, "type", "veth", "peer", "name", "host", "netns", hub],
            ["address", "add", "\(hostAddress)/24", "dev", hostDevice], ["link", "set", hostDevice, "up"],
            ["-n", hub, "link", "add", "bridge", "type", "bridge"], ["-n", hub, "link", "set", "bridge", "up"],
            ["-n", hub, "link", "set", "host", "master", "bridge", "up"],
        ]
        for (index, name) in names.enumerated() {
            guard let namespace = namespace(of: name), let address = address(of: name) else { continue }
            let port = "port\(index)"
            commands += [
                ["-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace],
                ["-n", hub, "link", "set", port, "master", "bridge", "up"],
                ["-n", namespace, "link", "set", "lo", "up"],
                ["-n", namespace, "address", "add", "\(address)/24", "dev", "eth0"],
                ["-n", namespace, "link", "set", "eth0", "up"],
            ]
        }
        return commands
    }

    func build(logPath: String) async throws(ClusterError) {
        for command in commands { try await Self.ip(command, logPath: logPath) }
    }

    // MARK: Links

    /// The commands that cut the link between two members, or mend it. `nil` stands for this host.
    func linkCommands(_ one: String?, _ other: String?, isCut: Bool) -> [[String]] {
        [(one, other), (other, one)].map { sender, receiver in
            let target = receiver.flatMap(address) ?? hostAddress
            let device = sender == nil ? hostDevice : "eth0"
            let place = sender.flatMap(namespace).map { ["-n", $0] } ?? []
            let change = isCut ? ["replace", target, "lladdr", Self.nobody, "nud", "permanent"] : ["delete", target]
            return place + ["neighbour"] + change + ["dev", device]
        }
    }

    // MARK: Removal

    /// Takes away what a cluster's plan has made, whatever there is of it.
    ///
    /// - Returns: One line for each thing that is still there.
    static func remove(clusterID: String) async -> [String] {
        let tag = tag(of: clusterID)
        let device = hostDevice(tag)
        for name in namespaces(tag) { try? await ip(["netns", "delete", name], logPath: "/dev/null") }
        // The cable's other end is gone with its namespace, sooner or later; asked for by name it is gone now.
        if exists(device) { try? await ip(["link", "delete", device], logPath: "/dev/null") }
        return namespaces(tag).map { "network namespace \($0)" } + (exists(device) ? ["network device \(device)"] : [])
    }

    private static func exists(_ device: String) -> Bool { access("/sys/class/net/\(device)", F_OK) == 0 }

    private static func namespaces(_ tag: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(namespacePrefix(tag)) { names.append(name) }
        }
        return names.sorted()
    }

    /// Runs `ip` with these words.
    static func ip(_ words: [String], logPath: String) async throws(ClusterError) {
        let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        let process = try await LoggedProcess.start(
            name: "ip", program: "ip", arguments: words, environment: [path], logPath: logPath)
        guard await process.waitForEnd(deadline: .seconds(20)) == .exited(0) else {
            process.signal(SIGKILL)
            throw .host("ip \(words.joined(separator: " ")): \(process.lastLogLine())")
        }
    }
}
