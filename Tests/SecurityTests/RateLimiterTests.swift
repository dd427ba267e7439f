// How fast each principal may call, with time given by the test.
import Resources
import Security
import Testing

@Suite struct RateLimiterTests {
    private let ops = Principal("ops")

    private func limiter(_ text: String) throws -> RateLimiter {
        RateLimiter(try RateLimits.parse(Array(text.utf8), source: "--rate_limits"))
    }

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    @Test func `one call a second means one now and the next ones later`() throws {
        var limiter = try limiter(#"{"limits": [{"principal": "ops", "qps": 1, "capacity": 2}]}"#)
        #expect(limiter.take(ops, at: at(0)) == .now)
        #expect(limiter.take(ops, at: at(0.25)) == .after(.milliseconds(750)))
        #expect(limiter.take(ops, at: at(0.5)) == .after(.milliseconds(1500)))
        #expect(
            limiter.take(ops, at: at(0.5)) == .refused(reason: "Message dropped: capacity (2) exceeded for 'ops'"))
        #expect(limiter.take(ops, at: at(1)) == .after(.seconds(2)), "the first waiting call is on its way")
        #expect(limiter.take(ops, at: at(10)) == .now)
    }

    @Test func `a second's worth of calls may come at once after a pause`() throws {
        var limiter = try limiter(#"{"limits": [{"principal": "ops", "qps": 10}]}"#)
        for _ in 0..<10 { #expect(limiter.take(ops, at: at(5)) == .now) }
        #expect(limiter.take(ops, at: at(5)) == .after(.milliseconds(100)))
    }

    @Test func `whoever is not listed shares the aggregate, whoever is listed without a rate is free`() throws {
        var limiter = try limiter(
            #"{"limits": [{"principal": "ops"}], "aggregate_default_qps": 1, "aggregate_default_capacity": 0}"#)
        for _ in 0..<100 { #expect(limiter.take(ops, at: at(1)) == .now) }
        #expect(limiter.take(Principal("a"), at: at(1)) == .now)
        let refused = RateLimiter.Decision.refused(
            reason: "Message dropped: capacity (0) exceeded for all principals without a limit of their own")
        #expect(limiter.take(Principal("b"), at: at(1)) == refused)
        #expect(limiter.take(nil, at: at(1)) == refused)
    }

    @Test func `nobody is limited by limits that do not speak of them`() throws {
        var limiter = try limiter(#"{"limits": [{"principal": "ops", "qps": 1, "capacity": 0}]}"#)
        for _ in 0..<100 { #expect(limiter.take(Principal("other"), at: at(1)) == .now) }
    }

    @Test func `in the long run no more calls pass than the rate allows`() throws {
        var limiter = try limiter(#"{"limits": [{"principal": "ops", "qps": 7.5, "capacity": 5}]}"#)
        var turns: [Double] = []
        for step in 0..<10_000 {
            let now = Double(step) / 100
            switch limiter.take(ops, at: at(now)) {
            case .now: turns.append(now)
            case .after(let wait): turns.append(now + wait / .seconds(1))
            case .refused: break
            }
        }
        #expect(turns.sorted() == turns)
        #expect((740...765).contains(turns.filter { $0 <= 100 }.count), "\(turns.count)")
    }

    @Test(arguments: [
        (#"{"limits": [{"qps": 1}]}"#, "limits[0].principal: expected a text"),
        (#"{"limits": [{"principal": "a", "qps": 0}]}"#, "limits[0].qps: expected a number above 0"),
        (
            #"{"limits": [{"principal": "a", "capacity": -1}]}"#,
            "limits[0].capacity: expected a whole number, 0 or more"
        ),
        (#"{"limits": [{"principal": "a"}, {"principal": "a"}]}"#, "limits[1].principal: 'a' occurs twice"),
        (#"{"limit": []}"#, "limit: unknown member; did you mean 'limits'?"),
        (#"{"aggregate_default_qps": "x"}"#, "aggregate_default_qps: expected a number above 0"),
    ])
    func `a mistake is reported with its field`(text: String, reason: String) {
        #expect {
            try RateLimits.parse(Array(text.utf8), source: "--rate_limits")
        } throws: {
            "\($0)" == "--rate_limits: \(reason)"
        }
    }
}
