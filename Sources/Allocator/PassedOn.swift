// Who refused an agent's resources lately, and so comes after those who did not: what keeps anybody from starving.

import Resources

/// The clients that gave back what is free on one agent, since everybody who wants it had it last.
///
/// Of those who can take something of the agent, whoever is in here comes after all who are not, whatever the shares
/// say. When only those in here can take it, everybody had it, and it begins anew. So a framework that can take what is
/// free on an agent is offered it after each other framework was at most once, however short their filters and however
/// slow their answers; without this, two frameworks that decline in turn, each holding nothing, would come first for
/// ever. (Apache Mesos lets them.)
///
/// It ends as well when more is free than was refused.
struct PassedOn: Sendable {
    /// Serial numbers of clients, sorted. A client that comes later with an old one's number is another.
    private(set) var clients: [Int] = []
    /// The largest bag that was refused.
    private(set) var refused = Resources()

    var isEmpty: Bool { clients.isEmpty }

    /// Whether it says something about what is free.
    func applies(to free: Resources) -> Bool { !clients.isEmpty && refused.contains(free) }

    func contains(_ client: Int) -> Bool {
        let index = position(of: client)
        return index < clients.count && clients[index] == client
    }

    /// A client refused something.
    ///
    /// - Parameter free: What is free on the agent, with that.
    mutating func note(_ client: Int, free: Resources) {
        if !refused.contains(free) {
            clients = []
            refused = free
        }
        let index = position(of: client)
        if index == clients.count || clients[index] != client { clients.insert(client, at: index) }
    }

    /// Everybody had it.
    mutating func beginAnew() {
        clients.removeAll(keepingCapacity: true)
        refused = Resources()
    }

    private func position(of client: Int) -> Int {
        var (low, high) = (0, clients.count)
        while low < high {
            let middle = (low + high) / 2
            if clients[middle] < client { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
