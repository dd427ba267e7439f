import Settings
import Testing

@Suite struct SettingTests {
    @Test func `a setting keeps its name and its text`() {
        #expect(Setting(name: "port", value: "5050").value == "5050")
    }
}
