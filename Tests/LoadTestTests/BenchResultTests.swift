// Figures of `mini bench agent`, as lines of JSON.

import Foundation
import Testing

@testable import LoadTest

struct BenchResultTests {
    @Test func `the median and the tails are samples that were taken`() {
        let samples = (1...100).map(Double.init).shuffled()
        let result = BenchResult("x", unit: "ms", samples, atMost: 60)
        #expect(result.value == 50)
        #expect(BenchResult.percentile(90, of: result.samples) == 90)
        #expect(BenchResult.percentile(99, of: result.samples) == 99)
        #expect(BenchResult.percentile(50, of: []) == 0)
        #expect(BenchResult.percentile(50, of: [7]) == 7)
    }

    @Test func `a figure says what was asked of it and whether it is met`() throws {
        for (result, isMet) in [
            (BenchResult("a", unit: "ms", value: 4.9, atMost: 5), true),
            (BenchResult("a", unit: "ms", value: 5.1, atMost: 5), false),
            (BenchResult("a", unit: "per second", value: 301, atLeast: 300), true),
            (BenchResult("a", unit: "per second", value: 299, atLeast: 300), false),
        ] {
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(result.line.utf8)) as? [String: Any], "\(result.line)")
            #expect(object["met"] as? Bool == isMet)
            #expect(object["case"] as? String == "a")
        }
        let plain = BenchResult("a", unit: "ms", [1, 2, 3])
        #expect(plain.line == #"{"case": "a", "unit": "ms", "median": 2, "p90": 3, "p99": 3, "samples": 3}"#)
    }

    @Test func `a ratio of several rounds says how far chance may have moved it`() throws {
        let even = BenchResult("a", unit: "x", rounds: Array(repeating: (9, 10), count: 6), atLeast: 0.95)
        #expect(even.value == 0.9 && even.standardError == 0 && !even.isMet)
        #expect(even.line.contains(#""value": 0.9, "standard_error": 0,"#))
        // The long rounds weigh more: 28 of 30, not the mean of 0.9 and 0.95.
        let uneven = BenchResult("a", unit: "x", rounds: [(9, 10), (19, 20)], atLeast: 0.95)
        #expect(abs(uneven.value - 28.0 / 30) < 1e-9)
        #expect(abs((uneven.standardError ?? 0) - 1.0 / 45) < 1e-9)
        #expect(BenchResult("a", unit: "x", rounds: [(9, 10)], atLeast: 0.95).standardError == nil)
    }

    @Test func `large and small figures are readable numbers`() throws {
        for value in [0.0, 0.000_012_3, 1_234_567, 99.95, 123.4] {
            let line = BenchResult("a", unit: "x", value: value).line
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil, "\(line)")
        }
    }
}
