// Regular expressions of strangers: matched in time linear in the text, whatever the pattern.

/// Why a text is not a pattern. The description is put behind the pattern in answers.
enum LinearPatternError: Error, Equatable, CustomStringConvertible {
    case unexpected(String)
    case missing(String)
    case unsupported(String)
    case tooLarge(size: Int, max: Int)

    var description: String {
        switch self {
        case .unexpected(let what): "unexpected \(what)"
        case .missing(let what): "missing \(what)"
        case .unsupported(let what): "\(what) is not supported"
        case .tooLarge(let size, let max):
            "program size of \(size) is larger than maximum of \(max) allowed"
        }
    }
}

/// A pattern that must match a whole text: literals, `.`, classes, groups, `|`, `*`, `+`, `?`, `{m,n}`, `^`, `$` and the
/// escapes `\d \w \s` and their opposites. What needs memory of what was matched (references, look-around) is refused.
///
/// All paths through the pattern are followed at once, one character at a time (Thompson, *Regular Expression Search
/// Algorithm*, CACM 1968), so no pattern can keep the master busy.
struct LinearPattern: Sendable {
    enum Step: Sendable {
        case one(ScalarSet)
        /// Goes on at both places.
        case either(Int, Int)
        case begin
        case end
        case matched
    }

    static let stepsMax = 200
    static let textMax = 1_000

    private var steps: [Step] = []

    /// How many steps it has: its cost for each character.
    var size: Int { steps.count }

    init(_ text: String) throws(LinearPatternError) {
        var parser = PatternParser(text)
        guard text.unicodeScalars.count <= Self.textMax else {
            throw .tooLarge(size: text.unicodeScalars.count, max: Self.textMax)
        }
        let node = try parser.parse()
        try add(node)
        try append(.matched)
    }

    private mutating func append(_ step: Step) throws(LinearPatternError) {
        guard steps.count < Self.stepsMax else { throw .tooLarge(size: steps.count + 1, max: Self.stepsMax) }
        steps.append(step)
    }

    private mutating func add(_ node: PatternNode) throws(LinearPatternError) {
        switch node {
        case .empty: return
        case .one(let set): try append(.one(set))
        case .begin: try append(.begin)
        case .end: try append(.end)
        case .sequence(let nodes): for node in nodes { try add(node) }
        case .alternatives(let nodes):
            var exits: [Int] = []
            for (index, node) in nodes.enumerated() {
                guard index < nodes.count - 1 else {
                    try add(node)
                    break
                }
                let fork = steps.count
                try append(.either(fork + 1, fork + 1))
                try add(node)
                exits.append(steps.count)
                try append(.either(0, 0))
                steps[fork] = .either(fork + 1, steps.count)
            }
            for exit in exits { steps[exit] = .either(steps.count, steps.count) }
        case .repeated(let node, let least, let most):
            for _ in 0..<least {
                let before = steps.count
                try add(node)
                // What takes nothing and needs nothing takes no less a thousand times.
                if steps.count == before { break }
            }
            guard let most else {
                let fork = steps.count
                try append(.either(fork + 1, fork + 1))
                try add(node)
                try append(.either(fork, fork))
                steps[fork] = .either(fork + 1, steps.count)
                return
            }
            var forks: [Int] = []
            for _ in least..<most {
                forks.append(steps.count)
                try append(.either(0, 0))
                try add(node)
            }
            for fork in forks { steps[fork] = .either(fork + 1, steps.count) }
        }
    }

    /// Whether the pattern matches all of the text.
    func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var current: [Int] = []
        var marks = [Int](repeating: -1, count: steps.count)
        follow(0, at: 0, of: scalars.count, &current, &marks)
        for (index, scalar) in scalars.enumerated() {
            var next: [Int] = []
            for place in current {
                if case .one(let set) = steps[place], set.contains(scalar) {
                    follow(place + 1, at: index + 1, of: scalars.count, &next, &marks)
                }
            }
            if next.isEmpty { return false }
            current = next
        }
        return current.contains { if case .matched = steps[$0] { true } else { false } }
    }

    /// Adds the places that are reached from one without taking a character. `marks` holds at which position each was
    /// added last, so that each is added once.
    private func follow(_ start: Int, at position: Int, of count: Int, _ places: inout [Int], _ marks: inout [Int]) {
        var stack = [start]
        while let place = stack.popLast() {
            guard marks[place] != position else { continue }
            marks[place] = position
            switch steps[place] {
            case .one, .matched: places.append(place)
            case .either(let left, let right):
                stack.append(right)
                stack.append(left)
            case .begin: if position == 0 { stack.append(place + 1) }
            case .end: if position == count { stack.append(place + 1) }
            }
        }
    }
}

/// Characters by ranges of their codes.
struct ScalarSet: Equatable, Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var isInverted = false

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) } != isInverted
    }

    static let digits = ScalarSet(ranges: [0x30...0x39])
    static let words = ScalarSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let spaces = ScalarSet(ranges: [0x09...0x0A, 0x0C...0x0D, 0x20...0x20])
    /// `.` takes anything but the end of a line.
    static let any = ScalarSet(ranges: [0x0A...0x0A], isInverted: true)

    /// The same characters without inversion, so that sets can be joined.
    var plain: [ClosedRange<UInt32>] {
        guard isInverted else { return ranges }
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = max(next, range.upperBound + 1)
        }
        result.append(next...0x10_FFFF)
        return result
    }
}

indirect enum PatternNode: Equatable, Sendable {
    case empty
    case one(ScalarSet)
    case begin
    case end
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repeated(PatternNode, Int, Int?)
}
