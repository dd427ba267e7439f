// How Mesos lets people write flags on a command line.

import Settings
import Testing

@Suite struct CommandLineTests {
    @Test(arguments: [
        (["--no-strict"], false), (["--strict=false"], false), (["--strict=0"], false), (["--strict"], true),
        (["--strict=true"], true), (["--strict=1"], true), (["--strict="], true), ([], true), (["--STRICT=0"], false),
    ])
    func `a boolean may be named, negated or given a value`(arguments: [String], value: Bool) {
        let settings = FakeHost().resolve(.agent, arguments + ["--master=m:1", "--work_dir=/w"])
        #expect(settings.errors == [])
        #expect(settings.boolean("strict") == value)
    }

    @Test(arguments: [
        (["--no-strict=true"], "--no-strict=true: expected no value, because --no- is already false"),
        (["--strict=maybe"], "--strict: expected true or false, found 'maybe' (--strict on the command line)"),
        (["--no-port"], "Failed to load non-boolean flag 'port' via 'no-port' (--no-port on the command line)"),
        (["--port"], "Failed to load non-boolean flag 'port': Missing value (--port on the command line)"),
        (["--port="], "--port: expected a port from 0 to 65535, found '' (--port on the command line)"),
        (["--port=99999"], "--port: expected a port from 0 to 65535, found '99999' (--port on the command line)"),
        (
            ["--gc_delay=5"],
            "--gc_delay: expected a duration such as 10secs or 5mins, found '5' (--gc_delay on the command line)"
        ),
        (
            ["--fetcher_cache_size=1.5GB"],
            "--fetcher_cache_size: expected a size such as 512MB or 2GB, found '1.5GB' "
                + "(--fetcher_cache_size on the command line)"
        ),
        (
            ["--recover=x"],
            "--recover: expected reconnect or cleanup, found 'x' (--recover on the command line)"
        ),
        (
            ["--containerizers=docker,,process"],
            "--containerizers: expected items separated by commas, found 'docker,,process' "
                + "(--containerizers on the command line)"
        ),
        (
            ["--executor_reregistration_timeout=16secs"],
            "--executor_reregistration_timeout: expected 0ns to 15secs, found '16secs' "
                + "(--executor_reregistration_timeout on the command line)"
        ),
    ])
    func `a value that cannot be is named with its flag and its origin`(arguments: [String], error: String) {
        let settings = FakeHost().resolve(.agent, arguments + ["--master=m:1", "--work_dir=/w"])
        #expect(settings.errors == [error])
    }

    @Test func `an unknown flag is fatal, and the nearest known one is named`() {
        #expect(
            FakeHost().master("--quorm=2").errors == [
                "Failed to load unknown flag 'quorm' (--quorm on the command line); the nearest known flag is --quorum"
            ])
        #expect(
            FakeHost().master("--work-dirs=2").errors == [
                "Failed to load unknown flag 'work-dirs' (--work-dirs on the command line); "
                    + "the nearest known flag is --work_dir"
            ])
        #expect(
            FakeHost().master("--xyzzyplugh").errors == [
                "Failed to load unknown flag 'xyzzyplugh' (--xyzzyplugh on the command line)"
            ])
        #expect(
            FakeHost().master("--no-hostnamelookup").errors == [
                "Failed to load unknown flag 'no-hostnamelookup' (--no-hostnamelookup on the command line); "
                    + "the nearest known flag is --hostname_lookup"
            ])
    }

    @Test func `a flag that is given twice is an error that names both`() {
        #expect(
            FakeHost().master("--authenticate_slaves=false", "--authenticate_agents=false").errors == [
                "Flag 'authenticate_agents' is already loaded via name 'authenticate_slaves': "
                    + "--authenticate_slaves on the command line, --authenticate_agents on the command line"
            ])
    }

    @Test func `a name of earlier versions is understood, with a warning`() {
        let settings = FakeHost().master("--slave_ping_timeout=20secs")
        #expect(settings.errors == [])
        #expect(settings.duration("agent_ping_timeout") == .seconds(20))
        #expect(
            settings.warnings == [
                "--slave_ping_timeout on the command line: 'slave_ping_timeout' is a deprecated name of the flag "
                    + "'agent_ping_timeout'"
            ])
    }

    @Test func `a value may follow its flag, words that are no flags are ignored aloud, two dashes end the flags`() {
        let settings = FakeHost().resolve(.master, ["--port", "7", "word", "--work_dir=/w", "--", "--bogus"])
        #expect(settings.errors == [])
        #expect(settings.integer("port") == 7)
        #expect(settings.warnings == ["'word' on the command line is no flag, and is ignored"])
    }

    @Test func `what is required and missing is named with the places where it can be given`() {
        #expect(
            FakeHost().resolve(.master, []).errors == [
                "--work_dir is required: folder of this master's files; holds the registry without --zk. Give it on the "
                    + "command line, as MESOS_WORK_DIR, or in /etc/mesos-master/work_dir."
            ])
        #expect(
            FakeHost().master("--zk=zk://a:1/m").errors == [
                "--quorum is required when --zk is given (--zk on the command line)"
            ])
    }

    @Test(arguments: [
        ("10secs", Duration.seconds(10)), ("1.5mins", .seconds(90)), ("500ms", .milliseconds(500)),
        ("2hrs", .seconds(7200)), ("1weeks", .seconds(604_800)), ("0ns", .zero), ("3us", .microseconds(3)),
        ("1days", .seconds(86_400)),
    ])
    func `durations carry Mesos's units, and are written as they are read`(text: String, duration: Duration) {
        #expect(FlagText.duration(text) == duration)
        #expect(FlagText.duration(FlagText.text(duration)) == duration)
    }

    @Test(arguments: [
        "10", "secs", "10 secs", "-1secs", "10s", "", "1e99weeks", "99999999999999999999weeks", "1..5secs",
    ])
    func `what is no duration is refused`(text: String) { #expect(FlagText.duration(text) == nil) }

    @Test(arguments: [("2GB", UInt64(2) << 30), ("1KB", 1024), ("7B", 7), ("0TB", 0)])
    func `sizes are powers of 1024`(text: String, bytes: UInt64) { #expect(FlagText.bytes(text) == bytes) }

    @Test(arguments: ["2", "GB", "2gb", "1.5GB", "-1B", "99999999999TB", ""])
    func `what is no size is refused`(text: String) { #expect(FlagText.bytes(text) == nil) }
}
