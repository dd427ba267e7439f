// Which part of the program a command line means.

import Testing

@testable import mini

@Suite struct InvocationTests {
    @Test(
        arguments: [
            (["/usr/sbin/mesos-master", "--quorum=1"], Invocation.Part.master, "mesos-master", ["--quorum=1"]),
            (["mesos-slave", "--master=m:1"], .agent, "mesos-slave", ["--master=m:1"]),
            (["./mesos-execute", "--name=x"], .execute, "mesos-execute", ["--name=x"]),
            (["mesos-agent"], .agent, "mesos-agent", []),
            (["/opt/mini", "master", "--port=1"], .master, "mini master", ["--port=1"]),
            (["mini", "agent", "--help"], .agent, "mini agent", ["--help"]),
            (["mini", "help", "agent"], .agent, "mini agent", ["--help"]),
            (["mini", "config", "explain", "master"], .configuration, "mini config", ["explain", "master"]),
            (["mini", "up", "--demo"], .mini, "mini", ["up", "--demo"]),
            (["mini"], .mini, "mini", []), ([], .mini, "mini", []),
            (["mesos-agent", "supervise", "x"], .supervisor, "mini supervise", ["x"]),
        ] as [([String], Invocation.Part, String, [String])])
    func `the name of the link or the first word decides`(
        line: [String], part: Invocation.Part, program: String, arguments: [String]
    ) {
        #expect(Invocation(line) == Invocation(part: part, program: program, arguments: arguments))
    }
}
