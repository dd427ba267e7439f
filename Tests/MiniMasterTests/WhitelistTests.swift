// Which hosts are offered: the whitelist.
import MesosProtocol
import Resources
import Testing

@testable import MiniMaster

struct WhitelistTests {
    @Test func `with a whitelist nothing is offered before it is read, and then only its hosts`() {
        var settings = MasterSettings()
        settings.waitsForWhitelist = true
        var talk = MasterConversation(settings: settings)
        talk.register(Samples.agent())
        let stream = talk.subscribe(Samples.framework())
        talk.pass(.seconds(5))
        #expect(talk.offers(stream).isEmpty)
        talk.send(.whitelistRead(["elsewhere"]))
        #expect(talk.offers(stream).isEmpty)
        talk.send(.whitelistRead(["a1.example.org"]))
        #expect(talk.offers(stream).map(\.hostname) == ["a1.example.org"])
    }
}
