// The text form of resources, as `--resources` takes it.

import Resources
import SimKit
import Testing

@Suite struct `Resources as text` {
    @Test(arguments: [
        ("cpus:2;mem:512;ports:[31000-32000]", "cpus:2;mem:512;ports:[31000-32000]"),
        (" mem : 512 ; cpus :0.5;\n", "cpus:0.5;mem:512"),
        ("cpus:1;cpus:2", "cpus:3"),
        ("cpus:0;mem:1e3", "mem:1000"),
        ("mem(eng):512;mem:1", "mem:1;mem(eng):512"),
        ("mem( eng/ci ):5", "mem(eng/ci):5"),
        ("ports:[5-6, 1-2,3-4]", "ports:[1-6]"),
        ("ports:[];s:{}", ""),
        ("zones:{b, a};licenses:3", "licenses:3;zones:{a, b}"),
        ("", ""),
        (";;", ""),
        ("cpus(*):2", "cpus:2"),
    ])
    func `text is read and printed in a fixed order`(text: String, printed: String) throws {
        #expect(try Resources.parse(text).description == printed)
    }

    @Test func `the default role reserves what names none`() throws {
        let resources = try Resources.parse("cpus:2;mem(ops):5;disk(*):7", defaultRole: RoleName("eng"))
        #expect(resources.description == "cpus(eng):2;mem(ops):5;disk:7")
        #expect(resources.entries.first?.reservations.first?.kind == .static)
    }

    @Test(arguments: [
        ("cpus", ResourceParseError.missingColon(piece: "cpus")),
        ("cpus:1;mem", .missingColon(piece: "mem")),
        (":1", .emptyName(piece: ":1")),
        ("(eng):1", .emptyName(piece: "(eng):1")),
        ("mem(eng:1", .unclosedRole(piece: "mem(eng:1")),
        ("mem(eng)x:1", .unclosedRole(piece: "mem(eng)x:1")),
        ("mem):1", .unclosedRole(piece: "mem):1")),
        ("mem():1", .invalidRole(piece: "mem():1", cause: .empty)),
        ("mem(a b):1", .invalidRole(piece: "mem(a b):1", cause: .forbiddenCharacter(role: "a b", code: 32))),
        ("cpus:two", .notAValue(name: "cpus", found: "two")),
        ("cpus:", .notAValue(name: "cpus", found: "")),
        ("cpus:nan", .notAValue(name: "cpus", found: "nan")),
        ("cpus:inf", .notAValue(name: "cpus", found: "inf")),
        ("cpus:0x10", .notAValue(name: "cpus", found: "0x10")),
        ("cpus:1:2", .notAValue(name: "cpus", found: "1:2")),
        ("cpus:-1", .notPositive(name: "cpus", found: "-1")),
        ("cpus:0.0004", .notPositive(name: "cpus", found: "0.0004")),
        ("mem:1e13", .tooLarge(name: "mem", found: "1e13")),
        ("mem:1e999", .tooLarge(name: "mem", found: "1e999")),
        ("ports:[1-2", .unclosed(name: "ports", found: "[1-2", expected: "]")),
        ("ports:[1]", .invalidRange(name: "ports", found: "1")),
        ("ports:[1-2-3]", .invalidRange(name: "ports", found: "1-2-3")),
        ("ports:[a-b]", .invalidRange(name: "ports", found: "a-b")),
        ("ports:[1-2,]", .invalidRange(name: "ports", found: "")),
        ("ports:[5-1]", .reversedRange(name: "ports", found: "5-1")),
        ("ports:[1-5,5-6]", .overlappingRanges(name: "ports", found: "1-5,5-6")),
        ("ports:[1-5];ports(eng):[5-6]", .overlappingRanges(name: "ports", found: "ports(eng):[5-6]")),
        ("z:{a", .unclosed(name: "z", found: "{a", expected: "}")),
        ("z:{a,a}", .duplicateElement(name: "z", element: "a")),
        ("z:{a,,b}", .emptyElement(name: "z")),
    ])
    func `a mistake names the piece and what was expected`(text: String, error: ResourceParseError) {
        #expect(throws: error) { try Resources.parse(text) }
    }

    @Test func `an error reads as one line an operator can act on`() {
        #expect(
            "\(ResourceParseError.notAValue(name: "cpus", found: "two"))"
                == "cpus: expected a number, [begin-end,...] or {item,...}, found 'two'")
    }

    @Test(arguments: 0..<50)
    func `what is printed reads back as the same`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var text: [String] = []
        for name in ["cpus", "mem", "disk", "gpus", "licenses"] where random.chance(60) {
            let role = random.chance(40) ? "(eng/r\(Int.random(in: 0...2, using: &random)))" : ""
            text.append("\(name)\(role):\(Scalar(milli: .random(in: 1...5_000_000, using: &random)))")
        }
        let resources = try Resources.parse(text.joined(separator: ";"))
        #expect(try Resources.parse(resources.description) == resources)
    }
}
