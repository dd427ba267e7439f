// Values in files, secrets, and flags that change nothing or must not be ignored.

import Settings
import Testing

@Suite struct ValueTests {
    @Test func `any value may be in a file of its own, from any source`() {
        let host = FakeHost(
            files: [
                "/run/zk": " zk://u:p@a:1/m \n", "/etc/mesos-master/cluster": "file:///run/name", "/run/name": "n\n",
            ])
        let settings = host.master("--zk=file:///run/zk", "--quorum=1")
        #expect(settings.text("zk") == "zk://u:p@a:1/m")
        #expect(settings.settings["zk"]?.contentPath == "/run/zk")
        #expect(settings.text("cluster") == "n")
    }

    @Test func `a file that is not there or too large is named with its flag and origin`() {
        #expect(
            FakeHost().master("--zk=file:///none").errors == [
                "--zk: cannot read /none: No such file or directory (--zk on the command line)"
            ])
        let host = FakeHost(files: ["/big": String(repeating: "x", count: 1 << 21)])
        #expect(
            host.master("--cluster=file:///big").errors == [
                "--cluster: cannot read /big: it has more than 1048576 bytes (--cluster on the command line)"
            ])
    }

    @Test func `a document may be given as a path alone`() {
        let host = FakeHost(files: ["/env.json": "{\"A\":\"b\"}\n"])
        let settings = host.agent("--master=m:1", "--executor_environment_variables=/env.json")
        #expect(settings.text("executor_environment_variables") == "{\"A\":\"b\"}")
    }

    @Test func `a secret is shown nowhere`() {
        let canary = "canary-4711"
        let host = FakeHost(files: ["/etc/mesos-slave/docker_config": "{\"auths\":\"\(canary)\"}"])
        let settings = host.agent(
            "--master=zk://user:\(canary)@a:1/m", "--credential={\"secret\":\"\(canary)\"}",
            "--executor_environment_variables=\(canary)")
        let shown = settings.settings.values.map(\.shown) + Array(settings.reported.values)
        #expect(!shown.contains { $0.contains(canary) })
        #expect(settings.settings["master"]?.shown == "zk://user:***@a:1/m")
        #expect(!(settings.errors + settings.warnings).contains { $0.contains(canary) })
        #expect(!"\(settings.problem("executor_environment_variables", "expected x"))".contains(canary))
        #expect(!"\(settings.problem("master", "expected x"))".contains(canary))
    }

    @Test func `a flag without effect is accepted with one notice`() {
        let settings = FakeHost(files: ["/etc/mesos-master/log_auto_initialize": "true"])
            .master("--registry=replicated_log")
        #expect(settings.errors == [])
        #expect(
            settings.warnings == [
                "--log_auto_initialize has no effect: there is no replicated log (/etc/mesos-master/log_auto_initialize)",
                "--registry has no effect: the registry is in ZooKeeper, or in work_dir without --zk "
                    + "(--registry on the command line)",
            ])
    }

    @Test func `a flag that names a module is refused, except one that is built in`() {
        #expect(FakeHost().master("--allocator=hierarchical", "--authorizers=local").errors == [])
        #expect(
            FakeHost().master("--authorizers=com_example").errors == [
                "--authorizers: modules of Apache Mesos cannot be loaded, and what this one does would be missing "
                    + "(--authorizers on the command line)"
            ])
    }

    @Test func `agents get ten minutes at least to come back, as in Apache Mesos`() {
        for name in ["agent_reregister_timeout", "slave_reregister_timeout"] {
            #expect(
                FakeHost().master("--\(name)=599secs").errors.contains {
                    $0.hasPrefix("--agent_reregister_timeout: expected at least 10mins, found '599secs'")
                }, "\(name)")
            #expect(FakeHost().master("--\(name)=10mins").errors == [])
        }
    }

    @Test func `every default is a value that its flag would take`() {
        for table in [FlagTable.master, .agent] {
            for flag in table.flags {
                guard let text = flag.defaultText else { continue }
                let settings = FakeHost().resolve(table, ["--\(flag.name)=\(text)"])
                #expect(!settings.errors.contains { $0.contains("expected") }, "\(flag.name)")
            }
        }
    }

    @Test func `the nearest name is found through a dropped, a doubled, a wrong and two swapped letters`() {
        for name in ["qourum", "quoru", "quorumm", "quorun", "Quorum", "quorum"] {
            #expect(FlagTable.master.nearest(to: name) == "quorum", "\(name)")
        }
        #expect(FlagTable.master.nearest(to: "zzzzzzzzzzzzzzzzz") == nil)
    }
}
