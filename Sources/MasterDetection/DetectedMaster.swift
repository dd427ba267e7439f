// A master as others find it, and the one way to read what it wrote about itself.

import MesosProtocol

/// A master found through ZooKeeper or given by its address.
public struct DetectedMaster: Hashable, Sendable {
    public var info: V1MasterInfo
    /// Its own version if it is a mini-mesos master; `nil` for Apache Mesos and for a master given by its address.
    public var miniVersion: String?

    public init(info: V1MasterInfo, miniVersion: String? = nil) {
        self.info = info
        self.miniVersion = miniVersion
    }

    /// `http://host:port` of its API, by IP address where known, as every other client connects.
    public var baseURL: String { baseURL(isSecure: false) }

    /// - Parameter isSecure: `https`, and by name where one is known: certificates name hosts.
    public func baseURL(isSecure: Bool) -> String {
        if isSecure {
            let names = [info.address.hostname, info.hostname, info.address.ip]
            if let host = names.first(where: { !$0.isEmpty }) {
                let port = info.hasAddress ? UInt32(clamping: info.address.port) : info.port
                return host.contains(":") ? "https://[\(host)]:\(port)" : "https://\(host):\(port)"
            }
        }
        let host =
            if info.address.hasIp { info.address.ip } else if info.address.hasHostname {
                info.address.hostname
            } else { info.hostname }
        let port = info.hasAddress ? UInt32(clamping: info.address.port) : info.port
        return host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
    }
}

extension V1MasterInfo {
    /// What a master says of itself, with every field that some client insists on.
    ///
    /// - Parameters:
    ///   - id: New for each master process.
    ///   - ip: The advertised address, as text.
    ///   - hostname: The advertised name; the address if there is none.
    public init(id: String, ip: String, port: Int32, hostname: String? = nil) {
        self.init(host: hostname ?? ip, ip: ip, port: port)
        self.id = id
        version = Versions.mesosAPI
    }

    /// What is known of a master by its address alone.
    init(host: String, ip: String?, port: Int32) {
        self.init()
        id = ""
        self.ip = ip.flatMap(Self.number(ofIPv4:)) ?? 0
        self.port = UInt32(clamping: port)
        let shown = ip ?? host
        pid = shown.contains(":") ? "master@[\(shown)]:\(port)" : "master@\(shown):\(port)"
        hostname = host
        address.hostname = host
        if let ip { address.ip = ip }
        address.port = port
    }

    /// The four bytes of a.b.c.d, in network order, read as a little-endian number: 10.0.0.11 is 184549386.
    ///
    /// - Returns: `nil` if the text is not an IPv4 address; IPv6 has no place in this field.
    public static func number(ofIPv4 text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts.reversed() {
            guard part.utf8.allSatisfy({ UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9") }), let byte = UInt8(part)
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        return number
    }
}

/// Why the content of an election znode is not a master.
public enum MasterInfoError: Error, Hashable, Sendable, CustomStringConvertible {
    case json(MesosJSONError)
    case binary
    case address(String)
    case unknownLabel(String)

    public var description: String {
        switch self {
        case .json(let error): "Failed to parse the MasterInfo: \(error)"
        case .binary: "Failed to parse the MasterInfo: not a protobuf MasterInfo"
        case .address(let text): "Failed to parse the master's address: expected 'master@ip:port', found '\(text)'"
        case .unknownLabel(let label): "Failed to parse data of unknown label '\(label)'"
        }
    }
}

/// The JSON document of an election znode.
public enum MasterInfoJSON {
    /// A member that only we write, and every other reader ignores: our own version, by which masters tell each other
    /// from those of Apache Mesos.
    public static let versionKey = "mini_version"

    /// MasterInfo as Mesos writes it, plus our version.
    public static func encode(_ info: V1MasterInfo, miniVersion: String = Versions.mini) -> [UInt8] {
        var bytes = MesosJSON.encode(info)
        // The printed object is never empty: MasterInfo has required fields.
        bytes.removeLast()
        bytes += Array(#","\#(versionKey)":"\#(miniVersion)"}"#.utf8)
        return bytes
    }

    public static func decode(_ bytes: [UInt8]) throws(MasterInfoError) -> DetectedMaster {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .json(.syntax(error))
        }
        var master: DetectedMaster
        do throws(MesosJSONError) {
            master = DetectedMaster(info: try MesosJSON.decode(from: value))
        } catch {
            throw .json(error)
        }
        if case .string(let version) = value[versionKey] { master.miniVersion = version }
        return master
    }

    /// Reads a member's content in the form its label announces.
    public static func decode(_ bytes: [UInt8], label: ElectionMember.Label) throws(MasterInfoError) -> DetectedMaster {
        switch label {
        case .json:
            return try decode(bytes)
        case .binary:
            do throws(MessageDecodingError) {
                return DetectedMaster(info: try MediaType.protobuf.decode(from: bytes))
            } catch {
                throw .binary
            }
        case .address:
            let text = String(decoding: bytes, as: UTF8.self)
            do throws(MasterLocationError) {
                guard case .address(let host, let port) = try MasterLocation.parse(text) else { throw .malformed(text) }
                return DetectedMaster(host: host, port: port)
            } catch {
                throw .address(text)
            }
        case .unknown(let label):
            throw .unknownLabel(label)
        }
    }
}

extension DetectedMaster {
    /// The master at a fixed address, of which nothing else is known.
    init(host: String, port: Int) {
        let isAddress = host.contains(":") || V1MasterInfo.number(ofIPv4: host) != nil
        self.init(info: V1MasterInfo(host: host, ip: isAddress ? host : nil, port: Int32(clamping: port)))
    }
}
