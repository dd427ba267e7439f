// Which of several sources counts.

import Settings
import Testing

@Suite struct PrecedenceTests {
    /// The sources in order of rank: each sets the port of a master to a number of its own.
    private static let sources: [@Sendable (inout FakeHost, inout [String]) -> Void] = [
        { _, arguments in arguments.append("--port=1") },
        { host, _ in host.environment["MINI_PORT"] = "2" },
        { host, _ in host.environment["MESOS_port"] = "3" },
        { host, _ in host.files["/etc/mesos-master/port"] = "4\n" },
        { host, _ in host.files["/etc/default/mesos-master"] = "PORT=5\n" },
        { host, _ in host.files["/etc/default/mesos"] = "PORT=6\n" },
        { host, _ in host.environment["LIBPROCESS_PORT"] = "7" },
    ]

    @Test func `of all sources that give a flag, the first in rank counts, and the others are known`() {
        for chosen in 0..<(1 << Self.sources.count) {
            var host = FakeHost()
            var arguments = ["--work_dir=/w"]
            let indices = Self.sources.indices.filter { chosen >> $0 & 1 == 1 }
            for index in indices { Self.sources[index](&host, &arguments) }
            let settings = host.resolve(.master, arguments)
            #expect(settings.errors == [])
            #expect(settings.integer("port") == indices.first.map { $0 + 1 } ?? 5050)
            #expect(settings.settings["port"]?.overridden.count == max(0, indices.count - 1))
        }
    }

    @Test func `the value that counts is checked, not the ones it replaces`() {
        let host = FakeHost(files: ["/etc/mesos-master/port": "x"], environment: ["MESOS_PORT": "tcp://10.0.0.1:5050"])
        #expect(host.master("--port=1").errors == [])
        #expect(
            host.master().errors == [
                "--port: expected a port from 0 to 65535, found 'tcp://10.0.0.1:5050' (MESOS_PORT in the environment)"
            ])
    }

    @Test func `an unknown variable is ignored, as Mesos does, but can be asked for`() {
        let host = FakeHost(environment: ["MESOS_TASK_ID": "t", "MESOS_QUORM": "1", "PATH": "/bin"])
        let settings = host.master()
        #expect(settings.errors == [])
        #expect(settings.warnings == [])
        #expect(
            settings.unknownVariables.map(\.description).contains(
                "MESOS_QUORM in the environment: unknown flag 'quorm', ignored; the nearest known flag is quorum"))
    }

    @Test func `an old name in the environment loses to the present one`() {
        let host = FakeHost(environment: [
            "MESOS_SLAVE_PING_TIMEOUT": "7secs", "MESOS_AGENT_PING_TIMEOUT": "8secs",
        ])
        #expect(host.master().duration("agent_ping_timeout") == .seconds(8))
        #expect(
            host.master().warnings == [
                "'agent_ping_timeout' is given more than once: MESOS_AGENT_PING_TIMEOUT in the environment counts, not "
                    + "MESOS_SLAVE_PING_TIMEOUT in the environment"
            ])
    }
}
