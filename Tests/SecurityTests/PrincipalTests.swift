import Security
import Testing

@Suite struct PrincipalTests {
    @Test func `principals are ordered by name`() {
        #expect([Principal("b"), Principal("a")].sorted() == [Principal("a"), Principal("b")])
    }
}
