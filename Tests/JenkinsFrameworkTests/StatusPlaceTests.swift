// Where the status is served, and what is told of it.
import MasterDetection
import Testing

@testable import JenkinsFramework

@Suite struct StatusPlaceTests {
    typealias Address = JenkinsConfiguration.StatusAddress

    private let here = MasterLocation.address(host: "127.0.0.1", port: 5_050)

    @Test func `with masters on this host the status stays on this host`() throws {
        #expect(StatusPlace.listening(Address(), towards: here) == "127.0.0.1")
        let ensemble = try MasterLocation.parse("zk://127.0.0.1:2181,127.0.0.1:2182/mesos")
        #expect(StatusPlace.listening(Address(), towards: ensemble) == "127.0.0.1")
    }

    @Test func `a configured address is taken as it is`() {
        #expect(StatusPlace.listening(Address(host: "10.1.2.3"), towards: here) == "10.1.2.3")
        #expect(StatusPlace.shown(Address(), listening: "10.1.2.3", towards: here) == "10.1.2.3")
    }

    @Test func `nobody is told that the status is everywhere`() {
        let everywhere = Address(host: "0.0.0.0")
        #expect(StatusPlace.listening(everywhere, towards: here) == "0.0.0.0")
        #expect(StatusPlace.shown(everywhere, listening: "0.0.0.0", towards: here) == "127.0.0.1")
        var named = everywhere
        named.hostname = "jenkins-framework.example.org"
        #expect(StatusPlace.shown(named, listening: "0.0.0.0", towards: here) == "jenkins-framework.example.org")
    }

    @Test func `an address of version 6 stands in brackets`() {
        #expect(StatusPlace.shown(Address(), listening: "fd00::1", towards: here) == "[fd00::1]")
    }

    @Test func `a master that cannot be resolved leaves the status on this host`() {
        let nowhere = MasterLocation.address(host: "no-such-host.invalid", port: 5_050)
        #expect(StatusPlace.listening(Address(), towards: nowhere) == "127.0.0.1")
    }

    @Test(arguments: [("127.0.0.1", false), ("localhost", false), ("10.0.0.5", true), ("0.0.0.0", true)])
    func `it is said when others can reach it`(host: String, isOpen: Bool) {
        #expect(StatusPlace.isOpen(host) == isOpen)
    }
}
