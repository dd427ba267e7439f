// How many calls each principal may make: the `--rate_limits` of Apache Mesos, read from JSON.
import MesosProtocol

/// The limits, as configured.
public struct RateLimits: Equatable, Sendable {
    /// Nil queries per second: no limit.
    public struct Limit: Equatable, Sendable {
        public var queriesPerSecond: Double?
        /// How many calls may wait for their turn.
        public var capacity: Int

        public init(queriesPerSecond: Double?, capacity: Int = RateLimits.capacityDefault) {
            self.queriesPerSecond = queriesPerSecond
            self.capacity = capacity
        }
    }

    /// Apache Mesos queues without bound when no capacity is given; here nothing is without one.
    public static let capacityDefault = 10_000

    public var limits: [Principal: Limit]
    /// Shared by everybody who is not listed.
    public var aggregate: Limit

    public init(limits: [Principal: Limit] = [:], aggregate: Limit = Limit(queriesPerSecond: nil)) {
        self.limits = limits
        self.aggregate = aggregate
    }
}

/// Why rate limits cannot be used.
public struct RateLimitsError: Error, Hashable, Sendable, CustomStringConvertible {
    public let source: String
    public let field: String
    public let reason: String

    public var description: String { "\(source): \(field): \(reason)" }
}

extension RateLimits {
    /// Reads `{"limits": [{"principal": "p", "qps": 5.5, "capacity": 100}], "aggregate_default_qps": 33.3,
    /// "aggregate_default_capacity": 1000}`. A listed principal without `qps` is not limited.
    public static func parse(_ text: [UInt8], source: String) throws(RateLimitsError) -> RateLimits {
        let document: JSONValue
        do throws(JSONSyntaxError) {
            document = try JSONValue(parsing: text)
        } catch {
            throw RateLimitsError(source: source, field: "document", reason: "\(error)")
        }
        guard case .object(let members) = document else {
            throw RateLimitsError(
                source: source, field: "document", reason: "expected an object, found \(document.kindName)")
        }
        let known = ["limits", "aggregate_default_qps", "aggregate_default_capacity"]
        for member in members where !known.contains(member.key) {
            throw RateLimitsError(
                source: source, field: member.key,
                reason: "unknown member"
                    + (NearestName.of(member.key, among: known).map { "; did you mean '\($0)'?" } ?? ""))
        }
        var result = RateLimits()
        if case .array(let entries)? = document["limits"] {
            for (index, entry) in entries.enumerated() {
                let field = "limits[\(index)]"
                guard case .string(let name)? = entry["principal"], !name.isEmpty else {
                    throw RateLimitsError(source: source, field: "\(field).principal", reason: "expected a text")
                }
                guard result.limits[Principal(name)] == nil else {
                    throw RateLimitsError(source: source, field: "\(field).principal", reason: "'\(name)' occurs twice")
                }
                result.limits[Principal(name)] = Limit(
                    queriesPerSecond: try rate(entry["qps"], "\(field).qps", source),
                    capacity: try capacity(entry["capacity"], "\(field).capacity", source))
            }
        } else if let other = document["limits"] {
            throw RateLimitsError(source: source, field: "limits", reason: "expected an array, found \(other.kindName)")
        }
        result.aggregate = Limit(
            queriesPerSecond: try rate(document["aggregate_default_qps"], "aggregate_default_qps", source),
            capacity: try capacity(document["aggregate_default_capacity"], "aggregate_default_capacity", source))
        return result
    }

    private static func rate(
        _ value: JSONValue?, _ field: String, _ source: String
    ) throws(RateLimitsError) -> Double? {
        guard let value else { return nil }
        guard case .number(let number) = value, number.doubleValue > 0, number.doubleValue.isFinite else {
            throw RateLimitsError(source: source, field: field, reason: "expected a number above 0")
        }
        return number.doubleValue
    }

    private static func capacity(
        _ value: JSONValue?, _ field: String, _ source: String
    ) throws(RateLimitsError) -> Int {
        guard let value else { return capacityDefault }
        guard case .number(.integer(let number)) = value, number >= 0 else {
            throw RateLimitsError(source: source, field: field, reason: "expected a whole number, 0 or more")
        }
        return Int(clamping: number)
    }
}
