// The document of an election znode: what we write, and what we can read.

import MasterDetection
import MesosProtocol
import Testing

struct MasterInfoTests {
    let info = V1MasterInfo(id: "3f1c", ip: "10.0.0.11", port: 5050, hostname: "m1.example.org")

    @Test func `every field that some client insists on is written`() throws {
        let document = try JSONValue(parsing: MasterInfoJSON.encode(info, miniVersion: "0.1.0"))
        #expect(document["id"] == .string("3f1c"))
        #expect(document["ip"] == .number(.integer(184_549_386)))
        #expect(document["port"] == .number(.integer(5050)))
        #expect(document["pid"] == .string("master@10.0.0.11:5050"))
        #expect(document["hostname"] == .string("m1.example.org"))
        #expect(document["version"] == .string(Versions.mesosAPI))
        #expect(document["address"]?["hostname"] == .string("m1.example.org"))
        #expect(document["address"]?["ip"] == .string("10.0.0.11"))
        #expect(document["address"]?["port"] == .number(.integer(5050)))
        #expect(document["mini_version"] == .string("0.1.0"))
    }

    @Test func `what is written reads back`() throws {
        let master = try MasterInfoJSON.decode(MasterInfoJSON.encode(info, miniVersion: "0.1.0"))
        #expect(master == DetectedMaster(info: info, miniVersion: "0.1.0"))
        #expect(master.baseURL == "http://10.0.0.11:5050")
    }

    @Test func `a document of Apache Mesos is read in whole, and known for what it is`() throws {
        let text = """
            {"address":{"hostname":"m2","ip":"10.0.0.12","port":5051},"capabilities":[{"type":"AGENT_UPDATE"},
             {"type":"SOMETHING_NEW"}],"domain":{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1"}}},
             "hostname":"m2","id":"a","ip":201326602,"pid":"master@10.0.0.12:5051","port":5051,"version":"1.11.0"}
            """
        let master = try MasterInfoJSON.decode(Array(text.utf8))
        #expect(master.miniVersion == nil)
        #expect(master.info.capabilities.first?.type == .agentUpdate)
        #expect(master.info.domain.faultDomain.zone.name == "eu-1")
        #expect(master.info.version == "1.11.0")
        #expect(master.baseURL == "http://10.0.0.12:5051")
    }

    @Test(arguments: ["", "{", "[]", "null", #"{"id":"a"}"#, #"{"id":"a","ip":"x","port":1}"#])
    func `a document that is no MasterInfo is refused`(text: String) {
        #expect(throws: MasterInfoError.self) { try MasterInfoJSON.decode(Array(text.utf8)) }
    }

    @Test func `members of old masters are read by their label`() throws {
        let byAddress = try MasterInfoJSON.decode(Array("master@10.0.0.11:5050".utf8), label: .address)
        #expect(byAddress.baseURL == "http://10.0.0.11:5050")
        #expect(byAddress.info.ip == 184_549_386)
        #expect(try MasterInfoJSON.decode(MediaType.protobuf.encode(info), label: .binary).info == info)
        #expect(throws: MasterInfoError.unknownLabel("odd")) { try MasterInfoJSON.decode([], label: .unknown("odd")) }
        #expect(throws: MasterInfoError.binary) { try MasterInfoJSON.decode([0xff], label: .binary) }
    }

    @Test(
        arguments: [
            ("10.0.0.1", 16_777_226), ("255.255.255.255", 4_294_967_295), ("127.0.0.1", 16_777_343), ("0.0.0.0", 0),
        ] as [(String, UInt32)])
    func `an IPv4 address is a little-endian number`(text: String, number: UInt32) {
        #expect(V1MasterInfo.number(ofIPv4: text) == number)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.+4", "a.b.c.d", "::1", "1..2.3"])
    func `anything else is no IPv4 number`(text: String) {
        #expect(V1MasterInfo.number(ofIPv4: text) == nil)
    }
}
