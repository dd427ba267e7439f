// Flags in the environment: MINI_QUORUM, MESOS_QUORUM, and the variables of libprocess.

/// Reads variables whose names are a prefix and, in any case, a flag.
struct EnvironmentSource {
    private static let prefixes: [(text: String, source: SettingsSource)] = [
        ("MINI_", .miniEnvironment), ("MESOS_", .mesosEnvironment),
    ]
    private static let libprocess = [
        "LIBPROCESS_IP": "ip", "LIBPROCESS_PORT": "port", "LIBPROCESS_ADVERTISE_IP": "advertise_ip",
        "LIBPROCESS_ADVERTISE_PORT": "advertise_port",
    ]

    func read(_ environment: [String: String]) -> GivenFlags {
        var result = GivenFlags()
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) {
            if let name = Self.libprocess[variable] {
                result.flags.append(
                    GivenFlag(
                        name: name, text: text, source: .libprocessEnvironment, origin: .environment(variable)))
            }
            for prefix in Self.prefixes where variable.hasPrefix(prefix.text) {
                result.flags.append(
                    GivenFlag(
                        name: variable.dropFirst(prefix.text.count).lowercased(), text: text, source: prefix.source,
                        origin: .environment(variable)))
            }
        }
        return result
    }
}
