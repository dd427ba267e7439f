// Form bodies, good and bad.
import Testing

@testable import MiniMaster

struct FormBodyTests {
    @Test func `fields are decoded`() throws {
        let form = try FormBody(Array("slaveId=a%2Fb&resources=%5B+%5D&empty=&bare\n".utf8))
        #expect(form["slaveId"] == "a/b")
        #expect(form["resources"] == "[ ]")
        #expect(form["empty"] == "")
        #expect(form["bare"] == "")
        #expect(form["other"] == nil)
        #expect(try FormBody([])["x"] == nil)
    }

    @Test(arguments: [
        ("a=%2", FormBody.Fault.brokenEscape(field: 1)), ("a=1&b=%zz", .brokenEscape(field: 2)),
        ("a=%ff", .brokenEscape(field: 1)), ("a=1&a=2", .twice("a")),
    ])
    func `what is malformed is refused and named`(text: String, fault: FormBody.Fault) {
        #expect(throws: fault) { try FormBody(Array(text.utf8)) }
    }

    @Test func `a form has a bound`() {
        let many = (0...FormBody.fieldsMax).map { "f\($0)=1" }.joined(separator: "&")
        #expect(throws: FormBody.Fault.tooManyFields(max: FormBody.fieldsMax)) { try FormBody(Array(many.utf8)) }
        #expect(throws: FormBody.Fault.notUTF8) { try FormBody([0x61, 0x3D, 0xFF]) }
    }

    @Test(arguments: [
        ("5secs", Duration.seconds(5)), ("1.5mins", .seconds(90)), ("0ns", .zero), ("2weeks", .seconds(1_209_600)),
    ])
    func `durations are read as Apache Mesos writes them`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(arguments: ["", "5", "secs", "-1secs", "5 secs", "1e99weeks", "5sec", "NaNsecs"])
    func `anything else is no duration`(text: String) { #expect(DurationText.parse(text) == nil) }
}
