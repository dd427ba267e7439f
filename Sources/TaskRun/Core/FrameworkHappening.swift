// What reaches a command that runs tasks, whichever it is.

import MesosProtocol
import Resources

/// What happens to the framework of one command line.
enum FrameworkHappening: Sendable {
    case subscribed(FrameworkID)
    /// The subscription broke; another one is looked for.
    case disconnected
    case offered([V1Offer])
    case updated(V1TaskStatus)
    case refused(String)
    /// The user wants it to end.
    case interrupted
}
