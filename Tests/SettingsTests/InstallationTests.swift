// What the Mesosphere packages leave in /etc, and how it is read.

import Settings
import Testing

@Suite struct InstallationTests {
    /// As after `apt install mesos`, with a few values that sites set.
    private let stock = FakeHost(files: [
        "/etc/mesos/zk": "zk://10.0.0.1:2181,10.0.0.2:2181/mesos\n",
        "/etc/default/mesos": "LOGS=/var/log/mesos\nULIMIT=\"-n 8192\"\n",
        "/etc/default/mesos-master": "PORT=5050\nZK=`cat /etc/mesos/zk`\n",
        "/etc/default/mesos-slave": "MASTER=`cat /etc/mesos/zk`\n",
        "/etc/mesos-master/work_dir": "/var/lib/mesos\n", "/etc/mesos-master/quorum": "1\n",
        "/etc/mesos-slave/work_dir": "/var/lib/mesos\n", "/etc/mesos-slave/containerizers": "docker,mesos\n",
        "/etc/mesos-slave/attributes/rack": "r1\n", "/etc/mesos-slave/attributes/zone": "z1\n",
        "/etc/mesos-slave/resources/ports": "[8000-9000]\n", "/etc/mesos-slave/resources/cpus": "4",
        "/etc/mesos-slave/resources/empty": "", "/etc/mesos-slave/?no-switch_user": "",
    ])

    @Test func `a master finds its settings, and says where`() {
        let settings = stock.resolve(.master, [])
        #expect(settings.errors == [])
        #expect(settings.warnings == [])
        #expect(settings.text("zk") == "zk://10.0.0.1:2181,10.0.0.2:2181/mesos")
        #expect(settings.origin("zk") == "/etc/mesos/zk")
        #expect(settings.integer("quorum") == 1)
        #expect(settings.origin("quorum") == "/etc/mesos-master/quorum")
        #expect(settings.text("work_dir") == "/var/lib/mesos")
        #expect(settings.origin("port") == "PORT in /etc/default/mesos-master")
        #expect(settings.text("log_dir") == "/var/log/mesos")
        #expect(settings.origin("agent_ping_timeout") == "default")
    }

    @Test func `an agent finds its settings, attributes and resources joined`() {
        let settings = stock.resolve(.agent, [])
        #expect(settings.errors == [])
        #expect(settings.text("master") == "zk://10.0.0.1:2181,10.0.0.2:2181/mesos")
        #expect(settings.text("attributes") == "rack:r1;zone:z1")
        #expect(settings.origin("attributes") == "/etc/mesos-slave/attributes/*")
        #expect(settings.text("resources") == "cpus:4;ports:[8000-9000]")
        #expect(settings.list("containerizers") == ["docker", "mesos"])
        #expect(!settings.boolean("switch_user"))
        #expect(settings.origin("switch_user") == "/etc/mesos-slave/?no-switch_user")
        #expect(settings.integer("port") == 5051)
    }

    @Test func `mesos-zk alone is enough to find the ensemble`() {
        let host = FakeHost(files: ["/etc/mesos/zk": "zk://a:1/m\n"])
        #expect(host.master("--quorum=1").text("zk") == "zk://a:1/m")
        #expect(host.agent().text("master") == "zk://a:1/m")
        #expect(host.agent("--master=b:5050").text("master") == "b:5050")
    }

    @Test func `the agent's folder may have its new name, which then counts`() {
        let host = FakeHost(files: [
            "/etc/mesos-slave/hostname": "old", "/etc/mesos-agent/hostname": "new", "/etc/mesos-agent/master": "m:1",
            "/etc/default/mesos-slave": "MESOS_PORT=1", "/etc/default/mesos-agent": "MESOS_PORT=2",
        ])
        let settings = host.agent()
        #expect(settings.text("hostname") == "new")
        #expect(settings.integer("port") == 2)
        #expect(
            settings.warnings.contains(
                "'hostname' is given more than once: /etc/mesos-agent/hostname counts, not /etc/mesos-slave/hostname"))
    }

    @Test func `a file that stands for no flag is ignored with a warning that names the nearest`() {
        let host = FakeHost(files: [
            "/etc/mesos-master/quorm": "2", "/etc/mesos-master/?no-root_submission": "",
            "/etc/default/mesos-master": "MESOS_CLUSTR=x",
        ])
        let settings = host.master()
        #expect(settings.errors == [])
        #expect(
            settings.warnings == [
                "/etc/mesos-master/?no-root_submission: unknown flag 'no-root_submission', ignored; the nearest known "
                    + "flag is root_submissions",
                "/etc/mesos-master/quorm: unknown flag 'quorm', ignored; the nearest known flag is quorum",
                "MESOS_CLUSTR in /etc/default/mesos-master: unknown flag 'clustr', ignored; the nearest known flag is "
                    + "cluster",
            ])
    }

    @Test func `a value that cannot be is named with its file`() {
        let host = FakeHost(files: ["/etc/mesos-master/quorum": "two\n", "/etc/mesos/zk": "zk://a:1/m"])
        #expect(
            host.master().errors == [
                "--quorum: expected a whole number from 1 to 2147483647, found 'two' (/etc/mesos-master/quorum)"
            ])
    }

    @Test func `hidden files and other folders are ignored`() {
        let host = FakeHost(files: [
            "/etc/mesos-master/.quorum.swp": "x", "/etc/mesos-master/old/quorum": "9",
            "/etc/mesos-slave/attributes/.hidden": "x", "/etc/mesos-slave/attributes/deep/er": "x",
        ])
        #expect(host.master().warnings == [])
        #expect(host.master().settings["quorum"] == nil)
        #expect(host.agent("--master=m:1").settings["attributes"] == nil)
    }

    @Test func `a file may give a flag without a value, and an empty one an empty value`() {
        let host = FakeHost(files: [
            "/etc/mesos-master/?quiet": "", "/etc/mesos-master/hostname": "", "/etc/mesos-master/cluster": "a\nb\n\n",
        ])
        let settings = host.master()
        #expect(settings.boolean("quiet"))
        #expect(settings.text("hostname") == nil)
        #expect(settings.text("cluster") == "a\nb")
    }

    @Test func `a file that cannot be read keeps the daemon from starting without it`() {
        let host = FakeHost(forbidden: ["/etc/mesos-master/quorum"])
        #expect(host.master().errors == ["--quorum: cannot read /etc/mesos-master/quorum: Permission denied"])
        #expect(host.master("--quorum=1").errors == [])
    }

    @Test(arguments: [
        ("CLUSTER=x", "x"), ("export CLUSTER=x", "x"), ("  CLUSTER=x  ", "x"), ("CLUSTER=x # why", "x"),
        ("CLUSTER=\"x y\"", "x y"), ("CLUSTER='$x'", "$x"), ("CLUSTER=`cat /etc/name`", "named"),
        ("CLUSTER=\"$(cat /etc/name)\"", "named"), ("CLUSTER=$(</etc/name)", "named"), ("CLUSTER=a\nCLUSTER=b", "b"),
        ("CLUSTER=", nil), ("#CLUSTER=x", nil), ("CLUSTER=x\nexport CLUSTER", "x"), ("MESOS_CLUSTER=x", "x"),
        ("CLUSTER=$HOSTNAME", nil), ("CLUSTER=`hostname -f`", nil), ("CLUSTER=\"a\"b", nil),
        ("CLUSTER=x; rm -rf /", nil), ("CLUSTER=`cat /none`", nil), ("OTHER=$(date)", nil),
    ])
    func `plain lines of a defaults file are understood`(line: String, value: String?) {
        let host = FakeHost(files: ["/etc/default/mesos-master": line, "/etc/name": "named\n"])
        #expect(host.master().text("cluster") == value)
        #expect(host.master().errors == [])
    }

    @Test func `a line that needs a shell is named, and nothing is run`() {
        let host = FakeHost(files: [
            "/etc/default/mesos": "if true; then\n  CLUSTER=x\nfi\nIP=`hostname -i`\n",
            "/etc/default/mesos-master": "ZK=`cat /no`",
        ])
        #expect(
            host.master().warnings == [
                "/etc/default/mesos-master, line 1: ZK is not set: cannot read /no: No such file or directory",
                "/etc/default/mesos, line 1: only NAME=value is understood, not the language of a shell; the line is "
                    + "ignored",
                "/etc/default/mesos, line 3: only NAME=value is understood, not the language of a shell; the line is "
                    + "ignored",
                "/etc/default/mesos, line 4: IP needs a shell to be understood, and is ignored",
            ])
    }

    @Test func `another folder may stand for etc, also inside defaults files, or none`() {
        let host = FakeHost(
            files: [
                "/x/mesos/zk": "zk://x:1/m", "/x/default/mesos-slave": "MASTER=`cat /etc/mesos/zk`",
                "/etc/mesos/zk": "zk://etc:1/m",
            ], environment: ["MINI_ETC_DIR": "/x/"])
        #expect(host.agent().origin("master") == "/x/mesos/zk")
        #expect(host.agent("--etc_dir=/etc").origin("master") == "/etc/mesos/zk")
        #expect(host.agent("--etc_dir=").settings["master"] == nil)
    }
}
