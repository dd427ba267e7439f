// Numbers of the state documents: the same text as the general printer's, only sooner.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct JSONNumberTests {
    private static func text(_ body: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        body(&json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        0, 1, 0.1, 0.001, 0.0001, 12.5, -3.25, 1_790_000_000.123, 1e15, 123_456_789_012.345, 1e21,
        .leastNonzeroMagnitude,
        0.30000000000000004,
    ])
    func `a double is printed with its shortest text`(number: Double) {
        #expect(Self.text { $0.value(number) } == "\(number)")
    }

    @Test func `minus zero, infinities and what is no number are printed as Mesos does`() {
        #expect(Self.text { $0.value(-0.0) } == "-0.0")
        #expect(Self.text { $0.value(Double.infinity) } == "\"Infinity\"")
        #expect(Self.text { $0.value(Double.nan) } == "\"NaN\"")
    }

    @Test func `a thousand random counts of thousandths are printed exactly`() {
        var generator = SplitMix64(seed: 4)
        for _ in 0..<1_000 {
            let milli = Int64.random(in: 0...999_999_999_999, using: &generator)
            let scalar = Scalar(milli: milli)
            #expect(Self.text { $0.value(scalar) } == "\(scalar.doubleValue)")
        }
    }

    @Test func `whole numbers keep their sign`() {
        for number in [0, 7, 10, -1, 1_234_567, Int.max, -Int.max] {
            #expect(Self.text { $0.value(number) } == "\(number)")
        }
    }

    @Test func `text is escaped only where JSON demands it`() {
        #expect(Self.text { $0.value("plain ü") } == "\"plain ü\"")
        #expect(Self.text { $0.value("a\"b\\c\n\u{01}") } == "\"a\\\"b\\\\c\\n\\u0001\"")
    }
}
