// The zk:// grammar: what is accepted, what is refused and in which words.

import Testing
import ZooKeeper

struct ZooKeeperURLTests {
    @Test func `a full URL is taken apart`() throws {
        let url = try ZooKeeperURL.parse("zk://mesos:secret@zk1:2181,zk2:2182/prod/mesos")
        #expect(url.servers == ["zk1:2181", "zk2:2182"])
        #expect(url.credentials == ZooKeeperCredentials(user: "mesos", password: "secret"))
        #expect(url.path == "/prod/mesos")
    }

    @Test func `white space around and slashes at the end are dropped`() throws {
        let url = try ZooKeeperURL.parse("  zk://zk1:2181/mesos//\n")
        #expect(url == ZooKeeperURL(servers: ["zk1:2181"], path: "/mesos"))
    }

    @Test func `a password may hold colons and at signs`() throws {
        let url = try ZooKeeperURL.parse("zk://u:p@:w@zk1:2181/mesos")
        #expect(url.credentials == ZooKeeperCredentials(user: "u", password: "p@:w"))
        #expect(url.servers == ["zk1:2181"])
    }

    @Test func `an empty password is a password`() throws {
        #expect(
            try ZooKeeperURL.parse("zk://u:@zk1:2181/m").credentials == ZooKeeperCredentials(user: "u", password: ""))
    }

    @Test func `an IPv6 address stands in brackets`() throws {
        #expect(try ZooKeeperURL.parse("zk://[::1]:2181/m").servers == ["[::1]:2181"])
        #expect(throws: ZooKeeperURLError.malformedServer("::1:2181")) { try ZooKeeperURL.parse("zk://::1:2181/m") }
    }

    @Test func `the password never shows`() throws {
        let url = try ZooKeeperURL.parse("zk://mesos:secret@zk1:2181/mesos")
        #expect(url.description == "zk://mesos:***@zk1:2181/mesos")
        #expect("\(String(reflecting: url))".contains("secret") == false)
        var dumped = ""
        dump(url.credentials, to: &dumped)
        #expect(!dumped.contains("secret"), "\(dumped)")
    }

    @Test func `the description of a URL without credentials reads back as the same URL`() throws {
        let url = try ZooKeeperURL.parse("zk://zk1:2181,zk2:2181/mesos")
        #expect(try ZooKeeperURL.parse(url.description) == url)
    }

    @Test(arguments: [
        ("", ZooKeeperURLError.missingScheme),
        ("zk1:2181/mesos", .missingScheme),
        ("ZK://zk1:2181/mesos", .missingScheme),
        ("zoo://zk1:2181/mesos", .missingScheme),
        ("zk://zk1:2181", .missingPath),
        ("zk://zk1:2181/", .missingPath),
        ("zk://zk1:2181///", .missingPath),
        ("zk:///mesos", .missingServers),
        ("zk://user:pw@/mesos", .missingServers),
        ("zk://zk1/mesos", .malformedServer("zk1")),
        ("zk://zk1:/mesos", .malformedServer("zk1:")),
        ("zk://:2181/mesos", .malformedServer(":2181")),
        ("zk://zk1:0/mesos", .malformedServer("zk1:0")),
        ("zk://zk1:65536/mesos", .malformedServer("zk1:65536")),
        ("zk://zk1:+80/mesos", .malformedServer("zk1:+80")),
        ("zk://zk1:2181,/mesos", .malformedServer("")),
        ("zk://zk 1:2181/mesos", .malformedServer("zk 1:2181")),
        ("zk://user@zk1:2181/mesos", .malformedCredentials),
        ("zk://:pw@zk1:2181/mesos", .malformedCredentials),
        ("zk://zk1:2181//mesos", .malformedPath("//mesos")),
        ("zk://zk1:2181/a/../b", .malformedPath("/a/../b")),
    ])
    func `a malformed URL is refused with its reason`(text: String, reason: ZooKeeperURLError) {
        #expect(throws: reason) { try ZooKeeperURL.parse(text) }
    }

    @Test func `a control character in the path is refused`() {
        #expect(throws: ZooKeeperURLError.self) { try ZooKeeperURL.parse("zk://zk1:2181/a\u{0}b") }
    }

    @Test func `the two refusals known from Mesos are in its words`() {
        #expect(ZooKeeperURLError.missingScheme.description == "Expecting 'zk://' at the beginning of the URL")
        #expect(
            ZooKeeperURLError.missingPath.description
                == "Expecting a (chroot) path for ZooKeeper ('/' is not supported)")
    }
}
