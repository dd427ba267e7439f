// What commands say on a terminal while something takes long, and what they ask before they do what cannot be undone.

import Mailbox
import Testing

@testable import mini

@Suite struct TerminalTests {
    private struct Screen: Sendable {
        let text = Locked("")

        var shown: String { text.withLock { $0.replacing("\r", with: "<").replacing("\u{1B}[K", with: ">") } }

        func write(_ piece: String) { text.withLock { $0 += piece } }
    }

    /// A place whose seconds pass when the test says so.
    private func makePlace(
        _ screen: Screen, isTerminal: Bool = true
    ) -> (place: Progress.Place, seconds: AsyncStream<Int64>.Continuation, asked: AsyncStream<Void>) {
        let (seconds, clock) = AsyncStream.makeStream(of: Int64.self)
        let (asked, asking) = AsyncStream.makeStream(of: Void.self)
        let place = Progress.Place(isTerminal: isTerminal, write: { screen.write($0) }) {
            asking.yield()
            for await second in seconds { return second }
            return nil
        }
        return (place, clock, asked)
    }

    @Test func `what takes longer than a second says what it waits for, and takes the line away`() async {
        let screen = Screen()
        let (place, seconds, asked) = makePlace(screen)
        let progress = Progress("asking the leading master at zk://a:1/mesos", at: place)
        var waits = asked.makeAsyncIterator()
        _ = await waits.next()
        #expect(screen.shown.isEmpty)
        for second: Int64 in 1...2 {
            seconds.yield(second)
            _ = await waits.next()
        }
        #expect(
            screen.shown == "<asking the leading master at zk://a:1/mesos… 1 s>"
                + "<asking the leading master at zk://a:1/mesos… 2 s>")
        await progress.end()
        #expect(screen.shown.hasSuffix("… 2 s><>"))
        await progress.end()
        #expect(screen.shown.hasSuffix("… 2 s><>"))
    }

    @Test func `what is quick says nothing`() async {
        let screen = Screen()
        let (place, _, asked) = makePlace(screen)
        let progress = Progress("asking", at: place)
        for await _ in asked { break }
        await progress.end()
        #expect(screen.shown.isEmpty)
    }

    @Test func `nothing is said where nobody reads it`() async {
        let screen = Screen()
        let (place, seconds, _) = makePlace(screen, isTerminal: false)
        let progress = Progress("asking", at: place)
        seconds.yield(1)
        await progress.end()
        #expect(screen.shown.isEmpty)
    }

    // MARK: Confirmations

    private func ask(_ answer: String?, isInteractive: Bool = true, isGiven: Bool = false) -> (String, CommandFailure?)
    {
        let screen = Screen()
        let terminal = Confirmation(
            isInteractive: isInteractive, write: { screen.write($0) }, readLine: { answer })
        do {
            try terminal.ask("This ends everything. Go on?", "teardown", isGiven: isGiven)
            return (screen.shown, nil)
        } catch { return (screen.shown, error as? CommandFailure) }
    }

    @Test(arguments: ["y", "Y", "yes", " Yes "]) func `a yes goes on`(answer: String) {
        let (shown, failure) = ask(answer)
        #expect(shown == "This ends everything. Go on? [y/N] ")
        #expect(failure == nil)
    }

    @Test(arguments: ["", "n", "no", "yesterday", nil]) func `anything else does nothing`(answer: String?) {
        let (_, failure) = ask(answer)
        #expect(failure?.description == "teardown: nothing was done")
        #expect(failure?.status == 1)
    }

    @Test func `a flag answers, and is asked for where nobody can be asked`() {
        let (shown, none) = ask(nil, isInteractive: false, isGiven: true)
        #expect(shown.isEmpty && none == nil)
        let (silent, failure) = ask("y", isInteractive: false)
        #expect(silent.isEmpty)
        #expect(
            failure?.description == "teardown: This ends everything. Go on? Give --yes to do it without being asked")
        #expect(failure?.status == 2)
    }
}
