// The house rules hold in every source file.

import Foundation
import Testing

@Suite struct TidyTests {
    @Test func `the rules are held against every core`() {
        for module in ["Allocator", "Resources", "MiniMaster", "MiniAgent", "JenkinsFramework", "SchedulerClient"] {
            #expect(HouseRules.pureFiles.contains { $0.hasPrefix("Sources/\(module)/") }, "no pure file of \(module)")
        }
    }

    @Test func `pure code reads no clock, draws no unseeded number, starts no task and imports no Foundation`() throws {
        let found = try HouseRules.violations(
            in: HouseRules.pureFiles,
            of: [
                (#"\bDate\("#, "reads the wall clock"),
                (#"(Continuous|Suspending)Clock|DispatchTime|clock_gettime"#, "reads a clock"),
                (#"\bUUID\("#, "draws a random id"),
                (#"\.shuffled\(\)|\.randomElement\(\)|random\(in: [^,)]*\)"#, "draws an unseeded random number"),
                (#"SystemRandomNumberGenerator"#, "draws an unseeded random number"),
                (#"\bTask(\.detached)? *\{|\bawait\b|\basync\b"#, "is asynchronous"),
                (
                    #"^import (Foundation|Glibc|Dispatch|Logging|NIO|CCurl|CZooKeeper|CLinux)"#,
                    "imports a way to the outside"
                ),
                (#"\bprint\("#, "prints"),
            ])
        #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }

    @Test func `no product code crashes on purpose outside a stated precondition`() throws {
        let found = try HouseRules.violations(
            in: HouseRules.files(below: "Sources"),
            of: [
                (#"\btry!"#, "try! on something that may fail"),
                (#"\bfatalError\("#, "fatalError: use a typed error, or preconditionFailure with the state"),
                (#"\bas!"#, "forced cast"),
            ])
        #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }

    @Test func `whoever switches off a concurrency check says why beside it`() throws {
        var found: [Violation] = []
        for path in HouseRules.files(below: "Sources") {
            let lines = try HouseRules.lines(of: path)
            for (index, line) in lines.enumerated()
            where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
                let near = lines[max(0, index - 4)...min(lines.count - 1, index + 2)]
                if !near.contains(where: { $0.contains("//") }) {
                    found.append(Violation(path: path, line: index + 1, rule: "unchecked without a reason"))
                }
            }
        }
        #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }

    @Test func `every source file begins by saying what it is for`() throws {
        var found: [Violation] = []
        for path in HouseRules.files(below: "Sources") {
            if try HouseRules.lines(of: path).first?.hasPrefix("//") != true {
                found.append(Violation(path: path, line: 1, rule: "does not say what it is for"))
            }
        }
        #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }

    @Test func `no source file is longer than a head can hold`() throws {
        var found: [Violation] = []
        for path in HouseRules.files(below: "Sources") {
            let count = try HouseRules.lines(of: path).count
            if count > 600 { found.append(Violation(path: path, line: count, rule: "\(count) lines, more than 600")) }
        }
        #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }

    @Test func `programs import none of each other`() throws {
        let programs = ["MiniMaster", "MiniAgent", "JenkinsFramework", "PracticeJenkins"]
        var found: [Violation] = []
        for program in programs {
            let others = programs.filter { $0 != program }.joined(separator: "|")
            found += try HouseRules.violations(
                in: HouseRules.files(below: "Sources/\(program)"),
                of: [(#"^(@testable )?import (\#(others))\b"#, "imports another program")])
        }
        #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }
}
