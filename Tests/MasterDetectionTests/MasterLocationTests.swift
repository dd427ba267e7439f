// The forms in which people say where the master is.

import Glibc
import Testing
import ZooKeeper

@testable import MasterDetection

struct MasterLocationTests {
    @Test func `an ensemble is named by its URL`() throws {
        let location = try MasterLocation.parse(" zk://u:p@zk1:2181/mesos\n")
        #expect(location == .zooKeeper(try ZooKeeperURL.parse("zk://u:p@zk1:2181/mesos")))
        #expect(location.description == "zk://u:***@zk1:2181/mesos")
    }

    @Test(arguments: ["m1:5050", "master@m1:5050", "http://m1:5050", "http://m1:5050/", " m1:5050\n"])
    func `a fixed address comes in several spellings`(text: String) throws {
        #expect(try MasterLocation.parse(text) == .address(host: "m1", port: 5050))
    }

    @Test func `an IPv6 address stands in brackets`() throws {
        let location = try MasterLocation.parse("[::1]:5050")
        #expect(location == .address(host: "::1", port: 5050))
        #expect(location.description == "[::1]:5050")
        #expect(DetectedMaster(host: "::1", port: 5050).baseURL == "http://[::1]:5050")
    }

    @Test(arguments: [
        "", "m1", ":5050", "m1:", "m1:0", "m1:65536", "m1:x", "::1:5050", "[m1]:5050", "https://", "ftp://m1:1",
        "m1:5050/path", "a b:5050", "user@m1:5050", "m1:5050,m2:5050",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: MasterLocationError.self) { try MasterLocation.parse(text) }
    }

    @Test func `a malformed ensemble URL is refused in Mesos's words`() {
        #expect(throws: MasterLocationError.zooKeeper(.missingPath)) { try MasterLocation.parse("zk://zk1:2181/") }
    }

    @Test func `a file stands for its content`() throws {
        let path = try temporaryFile("zk://u:secret@zk1:2181/mesos\n")
        defer { unlink(path) }
        #expect(
            try MasterLocation.parse("file://\(path)")
                == .zooKeeper(try ZooKeeperURL.parse("zk://u:secret@zk1:2181/mesos")))
    }

    @Test(arguments: [
        ("zk://a:1,b:2/mesos", ["zk://a:1,b:2/mesos"], false), ("a:5050", ["a:5050"], false),
        ("a:5050, b:5051", ["a:5050", "b:5051"], false), ("a:1,b:1,a:1", ["a:1", "b:1"], false),
        ("https://a:5050,https://b:5050", ["a:5050", "b:5050"], true),
    ])
    func `masters are given as ZooKeeper ensembles or lists of hosts`(text: String, parts: [String], secure: Bool)
        throws
    {
        let masters = try MasterLocations.parse(text)
        #expect(masters.all.map(\.description) == parts)
        #expect(masters.isSecure == secure)
    }

    @Test(arguments: ["", "a", "a:b", "a:1,zk://b:1/x", "a:1,b", "a:1,", ",a:1", "file:///no/such/file"])
    func `what names no master is refused`(text: String) {
        #expect(throws: (any Error).self) { try MasterLocations.parse(text) }
    }

    @Test func `a file may list masters, too`() throws {
        let path = try temporaryFile("https://m1:5050, https://m2:5050\n")
        defer { unlink(path) }
        let masters = try MasterLocations.parse("file://\(path)")
        #expect(masters.description == "m1:5050,m2:5050")
        #expect(masters.isSecure)
    }

    @Test func `a file that is missing, too large or points to another file is refused`() throws {
        #expect(throws: MasterLocationError.unreadableFile(path: "/no/such/file", errno: ENOENT)) {
            try MasterLocation.parse("file:///no/such/file")
        }
        let large = try temporaryFile(String(repeating: "x", count: 70_000))
        defer { unlink(large) }
        #expect(throws: MasterLocationError.fileTooLarge(path: large, bytesMax: 65_536)) {
            try MasterLocation.parse("file://\(large)")
        }
        let chained = try temporaryFile("file:///etc/hostname")
        defer { unlink(chained) }
        #expect(throws: MasterLocationError.malformed("file:///etc/hostname")) {
            try MasterLocation.parse("file://\(chained)")
        }
    }

    private func temporaryFile(_ content: String) throws -> String {
        let template = try #require(strdup("/tmp/mini-location-XXXXXX"))
        defer { free(template) }
        let descriptor = mkstemp(template)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bytes = Array(content.utf8)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        return String(cString: template)
    }
}
