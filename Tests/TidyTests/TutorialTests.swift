// The tutorial says the same in each of its languages.

import Foundation
import IntegrationSupport
import Testing

@Suite struct TutorialPageTests {
    private static func page(_ name: String) throws -> TutorialPage {
        try TutorialPage(path: HouseRules.root.appendingPathComponent("Docs/\(name)").path)
    }

    @Test func `every block of the tutorial says where it is run`() throws {
        let page = try Self.page("tutorial.md")
        #expect(page.blocks.count > 15)
        #expect(page.strayFences.isEmpty)
        let hosts = Set(page.blocks.flatMap(\.hosts))
        #expect(hosts == ["m1", "m2", "m3", "a1", "a2", "j1", "leader"])
    }

    @Test func `the Chinese tutorial has the blocks of the English one, word for word`() throws {
        let (english, chinese) = (try Self.page("tutorial.md"), try Self.page("tutorial.zh.md"))
        #expect(chinese.strayFences.isEmpty)
        #expect(english.blocks.map(\.hosts) == chinese.blocks.map(\.hosts))
        for (one, other) in zip(english.blocks, chinese.blocks) { #expect(one.script == other.script) }
    }
}
