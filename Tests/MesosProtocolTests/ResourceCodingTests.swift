// Resources between the wire and exact arithmetic.

import MesosProtocol
import Resources
import Testing

@Suite struct `Resource messages` {
    private func resource(_ json: String) throws -> V1Resource {
        try Fixtures.decode(V1Resource.self, json)
    }

    private func resources(_ json: String) throws -> Resources {
        try Resources([resource(json)])
    }

    private func reason(_ json: String) -> String? {
        let error = #expect(throws: ResourceConversionError.self, "\(json)") { try resources(json) }
        return error?.description
    }

    private func texts(_ resources: Resources, _ format: ReservationFormat, role: RoleName? = nil) -> [String] {
        resources.protobuf(allocationRole: role, format: format).map { Fixtures.text($0) }
    }

    private let cpus = #""name":"cpus","type":"SCALAR","scalar":{"value":2.0}"#

    @Test func `unreserved resources read the same in every format`() throws {
        let plain = try Resources.parse("cpus:2")
        #expect(try resources("{\(cpus)}") == plain)
        #expect(try resources("{\(cpus),\"role\":\"*\"}") == plain)
        #expect(texts(plain, .postRefinement) == ["{\(cpus)}"])
        #expect(texts(plain, .preRefinement) == ["{\(cpus),\"role\":\"*\"}"])
        #expect(texts(plain, .endpoint) == ["{\(cpus),\"role\":\"*\"}"])
    }

    @Test func `static reservations read the same in every format`() throws {
        let forms = [
            "{\(cpus),\"role\":\"eng\"}", #"{\#(cpus),"reservations":[{"type":"STATIC","role":"eng"}]}"#,
            #"{\#(cpus),"role":"eng","reservations":[{"type":"STATIC","role":"eng"}]}"#,
        ]
        let all = try forms.map { try resources($0) }
        #expect(Set(all).count == 1)
        #expect(all[0].entries[0].reservations == [Reservation(kind: .static, role: try RoleName("eng"))])
        #expect(texts(all[0], .preRefinement) == [forms[0]])
        #expect(texts(all[0], .postRefinement) == [forms[1]])
        #expect(texts(all[0], .endpoint) == [forms[2]])
    }

    @Test func `dynamic reservations read the same in every format`() throws {
        let details = #""principal":"ops","labels":{"labels":[{"key":"k"},{"key":"k","value":"v"}]}"#
        let forms = [
            #"{\#(cpus),"role":"dev","reservation":{\#(details)}}"#,
            #"{\#(cpus),"reservations":[{"type":"DYNAMIC","role":"dev",\#(details)}]}"#,
            #"{\#(cpus),"role":"dev","reservation":{\#(details)},"#
                + #""reservations":[{"type":"DYNAMIC","role":"dev",\#(details)}]}"#,
        ]
        let all = try forms.map { try resources($0) }
        #expect(Set(all).count == 1)
        #expect(all[0].entries[0].reservations.map(\.principal) == ["ops"])
        #expect(texts(all[0], .preRefinement) == [forms[0]])
        #expect(texts(all[0], .postRefinement) == [forms[1]])
        #expect(texts(all[0], .endpoint) == [forms[2]])
    }

    @Test func `refined reservations keep their stack and are withheld from the older format`() throws {
        let stack = #""reservations":[{"type":"STATIC","role":"eng"},{"type":"DYNAMIC","role":"eng/dev"}]"#
        let refined = try resources("{\(cpus),\(stack)}")
        #expect(refined.entries[0].role?.value == "eng/dev")
        #expect(texts(refined, .postRefinement) == ["{\(cpus),\(stack)}"])
        #expect(texts(refined, .endpoint) == ["{\(cpus),\(stack)}"])
        #expect(texts(refined, .preRefinement) == [])
    }

    @Test func `the allocation role is written when given and dropped when read`() throws {
        let plain = try Resources.parse("cpus:2;ports:[1-2]")
        let messages = plain.protobuf(allocationRole: try RoleName("ci"))
        #expect(messages.allSatisfy { $0.allocationInfo.role == "ci" })
        #expect(try Resources(messages) == plain)
    }

    @Test func `volumes, revocable and shared resources survive the way there and back`() throws {
        let text = #"""
            {"provider_id":{"value":"p"},"name":"disk","type":"SCALAR","scalar":{"value":64.0},
            "reservations":[{"type":"DYNAMIC","role":"dev","principal":"p1"}],
            "disk":{"persistence":{"id":"vol1","principal":"p1"},"volume":{"mode":"RW","container_path":"data"}},
            "revocable":{},"shared":{}}
            """#.replacing("\n", with: "")
        let volume = try resources(text)
        #expect(volume.entries[0].disk?.persistenceID == "vol1")
        #expect(volume.entries[0].disk?.isIndivisible == true)
        #expect(texts(volume, .postRefinement) == [text])
        let mount = try resources(
            #"{"name":"disk","type":"SCALAR","scalar":{"value":9},"disk":{"source":{"type":"MOUNT"}}}"#)
        #expect(mount.entries[0].disk?.isIndivisible == true)
        let path = try resources(
            #"{"name":"disk","type":"SCALAR","scalar":{"value":9},"disk":{"source":{"type":"PATH"}}}"#)
        #expect(path.entries[0].disk?.isIndivisible == false)
    }

    @Test func `scalars are rounded to three decimals`() throws {
        let sum = try Resources([Fixtures.scalar("cpus", 0.1), Fixtures.scalar("cpus", 0.2004)])
        #expect(sum["cpus"] == Scalar(milli: 300))
        #expect(sum.protobuf()[0].scalar.value == 0.3)
        #expect(try Resources([Fixtures.scalar("mem", 0)]).isEmpty)
        #expect(
            reason(#"{"name":"cpus","type":"SCALAR","scalar":{"value":0.0004}}"#)
                == "Invalid scalar resource: value <= 0")
    }

    @Test func `ranges are sorted and coalesced, sets are kept`() throws {
        let ports = try resources(
            #"{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":5,"end":9},{"begin":1,"end":4}]}}"#)
        #expect(ports.ports.description == "[1-9]")
        let widest = try resources(
            #"{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":0,"end":18446744073709551615}]}}"#)
        #expect(try Resources(widest.protobuf()) == widest)
        let set = try resources(#"{"name":"gems","type":"SET","set":{"item":["b","a"]}}"#)
        #expect(set.protobuf()[0].set.item == ["a", "b"])
    }

    @Test func `what is invalid is refused with the reason Mesos gives`() {
        let dev = #""type":"DYNAMIC","role":"dev""#
        let cases: [(String, String)] = [
            (#"{"name":"","type":"SCALAR","scalar":{"value":1}}"#, "Empty resource name"),
            (#"{"name":"cpus","type":"SCALAR"}"#, "Invalid scalar resource"),
            (#"{"name":"cpus","type":"SCALAR","scalar":{"value":1},"set":{}}"#, "Invalid scalar resource"),
            (#"{"name":"cpus","type":"SCALAR","scalar":{"value":-1}}"#, "Invalid scalar resource: value <= 0"),
            (#"{"name":"ports","type":"RANGES"}"#, "Invalid ranges resource"),
            (
                #"{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":5},{"begin":5,"end":6}]}}"#,
                "Invalid ranges resource: overlapping ranges"
            ),
            (#"{"name":"s","type":"SET","set":{"item":["a","a"]}}"#, "Invalid set resource: duplicated elements"),
            (#"{"name":"s","type":"TEXT"}"#, "Unsupported resource type"),
            ("{\(cpus),\"disk\":{}}", "DiskInfo should not be set for cpus resource"),
            ("{\(cpus),\"reservation\":{}}", #"Invalid reservation: role "*" cannot be reserved"#),
            (
                #"{\#(cpus),"reservations":[{"type":"DYNAMIC","role":"*"}]}"#,
                #"Invalid reservation: role "*" cannot be reserved"#
            ),
            (
                #"{\#(cpus),"role":"dev","reservation":{"type":"DYNAMIC"}}"#,
                "'Resource.ReservationInfo.type' must not be set for the 'Resource.reservation' field"
            ),
            (
                #"{\#(cpus),"role":"ops","reservations":[{\#(dev)}]}"#,
                "Invalid resource format: 'Resource.role' field with 'ops' does not match the role 'dev' in "
                    + "'Resource.reservations'"
            ),
            (
                #"{\#(cpus),"role":"dev","reservation":{"principal":"x"},"reservations":[{\#(dev)}]}"#,
                "Invalid resource format: 'Resource.reservation' does not match the reservation in "
                    + "'Resource.reservations'"
            ),
        ]
        for (json, expected) in cases { #expect(reason(json) == expected) }
    }

    @Test(arguments: [
        #""scalar":{"value":NaN}"#, #""scalar":{"value":"Infinity"}"#, #""scalar":{"value":1e13}"#,
        #""scalar":{"value":1},"role":"bad role""#, #""scalar":{"value":1},"role":"/a""#,
        #""scalar":{"value":1},"reservations":[{}]"#, #""scalar":{"value":1},"reservations":[{"type":"STATIC"}]"#,
        #""scalar":{"value":1},"reservations":[{"type":"STATIC","role":"a"},{"type":"STATIC","role":"a/b"}]"#,
        #""scalar":{"value":1},"reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"ab"}]"#,
    ])
    func `numbers and reservations that make no sense are refused`(fields: String) {
        #expect(reason(#"{"name":"cpus","type":"SCALAR",\#(fields)}"#) != nil)
    }

    @Test func `GPUs come whole`() {
        #expect(reason(#"{"name":"gpus","type":"SCALAR","scalar":{"value":0.5}}"#) != nil)
    }

    @Test func `a sum above the limit is refused instead of overflowing`() {
        let many = Array(repeating: Fixtures.scalar("mem", 1e12), count: 10_000)
        #expect(throws: ResourceConversionError.tooLarge(name: "mem")) { try Resources(many) }
    }
}
