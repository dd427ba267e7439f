// How many connections a server takes, in all and from one address.
import Testing

@testable import HTTPServer

@Suite struct ConnectionCountTests {
    @Test func `an address has its bound, and others are not touched by it`() {
        var counts = ConnectionCounts(max: 100, perAddressMax: 3)
        for _ in 0..<3 { #expect(counts.open(from: "10.0.0.1") == .admitted) }
        #expect(counts.open(from: "10.0.0.1") == .tooManyFromAddress)
        #expect(counts.open(from: "10.0.0.2") == .admitted)
        #expect(counts.open(from: "fe80::1") == .admitted)
        #expect(counts.open == 5)
        counts.close(from: "10.0.0.1")
        #expect(counts.open(from: "10.0.0.1") == .admitted)
        #expect(counts.open(from: "10.0.0.1") == .tooManyFromAddress)
    }

    @Test func `who was turned away does not count`() {
        var counts = ConnectionCounts(max: 2, perAddressMax: 1)
        #expect(counts.open(from: "10.0.0.1") == .admitted)
        for _ in 0..<10 { #expect(counts.open(from: "10.0.0.1") == .tooManyFromAddress) }
        #expect(counts.open(from: "10.0.0.2") == .admitted)
        #expect(counts.open(from: "10.0.0.3") == .tooMany)
        counts.close(from: "10.0.0.1")
        #expect(counts.open(from: "10.0.0.3") == .admitted)
    }

    @Test(arguments: ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", nil])
    func `this host's own connections are bounded in all only`(address: String?) {
        var counts = ConnectionCounts(max: 10, perAddressMax: 2)
        for _ in 0..<10 { #expect(counts.open(from: address) == .admitted) }
        #expect(counts.open(from: address) == .tooMany)
    }

    @Test func `one host is one address, however it is written`() {
        var counts = ConnectionCounts(max: 10, perAddressMax: 1)
        #expect(counts.open(from: "10.0.0.1") == .admitted)
        #expect(counts.open(from: "::ffff:10.0.0.1") == .tooManyFromAddress)
    }

    @Test func `addresses that are gone are forgotten`() {
        var counts = ConnectionCounts(max: 10, perAddressMax: 2)
        for host in 1...10 { #expect(counts.open(from: "10.0.0.\(host)") == .admitted) }
        for host in 1...10 { counts.close(from: "10.0.0.\(host)") }
        #expect(counts.open == 0)
        #expect(counts.addresses == 0)
    }
}
