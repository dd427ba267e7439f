// Who is a member and who leads, by the names of the children alone.

import MasterDetection
import Testing

struct ElectionMemberTests {
    @Test func `a member's label and counter are read from its name`() {
        #expect(ElectionMember(name: "json.info_0000000012")?.label == .json)
        #expect(ElectionMember(name: "json.info_0000000012")?.sequence == 12)
        #expect(ElectionMember(name: "info_0000000003")?.label == .binary)
        #expect(ElectionMember(name: "0000000003")?.label == .address)
        #expect(ElectionMember(name: "other.thing_7")?.label == .unknown("other.thing"))
    }

    @Test(arguments: [
        "log_replicas", "registry", "", "_", "json.info_", "json.info", "json.info_12x", "json.info_-1", "json.info_+1",
        "json.info_٣", "json.info_99999999999999999999",
    ])
    func `a child without a counter is no member`(name: String) {
        #expect(ElectionMember(name: name) == nil)
    }

    @Test func `the lowest counter leads, whatever its label`() {
        let names = ["json.info_0000000011", "log_replicas", "info_0000000009", "json.info_0000000010"]
        #expect(ElectionMember.leader(among: names)?.name == "info_0000000009")
        #expect(ElectionMember.members(among: names).map(\.sequence) == [9, 10, 11])
    }

    @Test func `counters are compared as numbers`() {
        #expect(
            ElectionMember.leader(among: ["json.info_10000000000", "json.info_9999999999"])?.sequence == 9_999_999_999)
    }

    @Test func `nobody leads an empty group`() {
        #expect(ElectionMember.leader(among: []) == nil)
        #expect(ElectionMember.leader(among: ["log_replicas"]) == nil)
    }
}
