// The list of what a framework has completed, beside a plain array that does the same.

import MiniMaster
import Testing

@Suite struct RecentListTests {
    @Test(arguments: [-1, 0, 1, 2, 31, 32, 33, 100, 1000])
    func `it keeps the newest, oldest first`(max: Int) {
        var list = RecentList<Int>()
        var plain: [Int] = []
        for number in 0..<250 {
            list.append(number, keeping: max)
            plain = Array((plain + [number]).suffix(Swift.max(max, 0)))
            #expect(Array(list) == plain)
            #expect(list.count == plain.count)
        }
    }

    @Test func `a copy keeps what it had`() {
        var list = RecentList<Int>()
        for number in 0..<40 { list.append(number, keeping: 40) }
        let copy = list
        for number in 40..<140 { list.append(number, keeping: 40) }
        #expect(Array(copy) == Array(0..<40))
        #expect(Array(list) == Array(100..<140))
    }

    @Test func `it forgets more at once when less is to be kept`() {
        var list = RecentList<Int>()
        for number in 0..<100 { list.append(number, keeping: 100) }
        list.append(100, keeping: 3)
        #expect(Array(list) == [98, 99, 100])
    }

    @Test func `what is unwanted goes, the rest stays in its order`() {
        var list = RecentList<Int>()
        for number in 0..<100 { list.append(number, keeping: 90) }
        list.removeAll { !$0.isMultiple(of: 3) }
        #expect(Array(list) == (10..<100).filter { $0.isMultiple(of: 3) })
        #expect(list.count == 30)
        list.append(7, keeping: 2)
        #expect(Array(list) == [99, 7])
        list.removeAll { _ in true }
        #expect(Array(list) == [])
    }
}
