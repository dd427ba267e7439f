// What a status says of its container comes back as it was.
import MesosProtocol
import Testing

@testable import MiniMaster

struct EncodedContainerTests {
    private static let uuid = "4f9bd1a0-0c3e-4c52-9f1d-00ab12cd34ef"

    private static func encoded(_ id: String?, _ addresses: [(V1NetworkInfo.ProtocolEnum?, String)]) -> [UInt8] {
        var status = V1ContainerStatus()
        if let id { status.containerID.value = id }
        if !addresses.isEmpty {
            var network = V1NetworkInfo()
            network.ipAddresses = addresses.map { kind, text in
                var address = V1NetworkInfo.IPAddress()
                if let kind { address.protocol = kind }
                address.ipAddress = text
                return address
            }
            status.networkInfos = [network]
        }
        return MediaType.protobuf.encode(status)
    }

    @Test(arguments: ["10.0.0.1", "0.0.0.0", "255.255.255.255", "192.168.100.7"])
    func `the usual description is kept in a few words and given back byte for byte`(ip: String) {
        for kind in [nil, V1NetworkInfo.ProtocolEnum.ipv4] {
            let bytes = Self.encoded(Self.uuid, [(kind, ip)])
            #expect(EncodedContainer(bytes).bytes == bytes)
        }
    }

    @Test func `whatever is not the usual one is given back byte for byte too`() {
        let odd: [[UInt8]] = [
            Self.encoded(Self.uuid, []), Self.encoded(nil, [(.ipv4, "10.0.0.1")]),
            Self.encoded(Self.uuid.uppercased(), [(.ipv4, "10.0.0.1")]),
            Self.encoded("container-with-36-characters-in-name", [(.ipv4, "10.0.0.1")]),
            Self.encoded(Self.uuid, [(.ipv6, "10.0.0.1")]), Self.encoded(Self.uuid, [(.ipv6, "fe80::1")]),
            Self.encoded(Self.uuid, [(.ipv4, "010.0.0.1")]), Self.encoded(Self.uuid, [(.ipv4, "10.0.1")]),
            Self.encoded(Self.uuid, [(.ipv4, "1.2.3.4.5")]),
            Self.encoded(Self.uuid, [(.ipv4, "10.0.0.1."), (nil, "")]),
            Self.encoded(Self.uuid, [(.ipv4, "10.0.0.1"), (.ipv4, "10.0.0.2")]), Self.encoded("", []), [0x0A], [],
        ]
        for bytes in odd { #expect(EncodedContainer(bytes).bytes == bytes) }
    }

    @Test func `damaged descriptions come back as they are`() {
        let good = Self.encoded(Self.uuid, [(.ipv4, "10.20.30.40")])
        for position in good.indices {
            for value in [0, 1, 0x2D, 0x2E, 0x30, 0x66, 0xFF] as [UInt8] {
                var bytes = good
                bytes[position] = value
                #expect(EncodedContainer(bytes).bytes == bytes)
            }
            #expect(EncodedContainer(Array(good[..<position])).bytes == Array(good[..<position]))
        }
    }
}
