// Flags as Mesos's users write them.

import Foundation
import Testing

@testable import mini

@Suite struct FlagTests {
    private let flags = FlagArguments(booleans: ["switch_user", "json"])

    @Test(arguments: [
        ("--switch_user=true", "--switch_user"), ("--switch_user=1", "--switch_user"),
        ("--switch_user=", "--switch_user"),
        ("--switch_user=false", "--no_switch_user"), ("--switch_user=0", "--no_switch_user"),
        ("--no-switch_user", "--no_switch_user"), ("--switch_user=maybe", "--switch_user=maybe"),
        ("--zk=true", "--zk=true"), ("master", "master"),
    ])
    func `a boolean flag may carry its value`(written: String, read: String) throws {
        #expect(try flags.canonical([written]) == [read])
    }

    @Test func `what follows a lone double dash is the command's own`() throws {
        let arguments = ["run", "--json=true", "--", "--json=true", "--x=file:///nope"]
        #expect(try flags.canonical(arguments) == ["run", "--json", "--", "--json=true", "--x=file:///nope"])
    }

    @Test func `any value may be read from a file, without the newline that ends it`() throws {
        let path = NSTemporaryDirectory() + "flag-\(UUID().uuidString)"
        try "zk://a:1/mesos\n".write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try flags.canonical(["--zk=file://\(path)"]) == ["--zk=zk://a:1/mesos"])
    }

    @Test func `a file that cannot be read is named together with its flag`() {
        let error = #expect(throws: CommandFailure.self) { try flags.canonical(["--zk=file:///no/such/file"]) }
        #expect(error?.description == "--zk: cannot read /no/such/file: No such file or directory")
        #expect(error?.status == 2)
    }

    @Test(arguments: [
        ("10secs", Duration.seconds(10)), ("1.5mins", .seconds(90)), ("500ms", .milliseconds(500)),
        ("2hrs", .seconds(7200)),
        ("1weeks", .seconds(604_800)), ("0ns", .zero),
    ])
    func `durations carry Mesos's units`(text: String, duration: Duration) {
        #expect(FlagDuration(argument: text)?.duration == duration)
    }

    @Test(arguments: ["10", "secs", "10 secs", "-1secs", "10s", "", "1e99weeks", "99999999999999999999weeks"])
    func `what is no duration is refused`(text: String) {
        #expect(FlagDuration(argument: text) == nil)
    }
}
