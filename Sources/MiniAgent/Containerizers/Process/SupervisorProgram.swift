// The program that stands between the agent and a process task, and the files it leaves.

import Glibc

/// How to start a supervisor.
package struct SupervisorProgram: Hashable, Sendable {
    package var path: String
    /// Before the supervisor's own arguments.
    package var prefix: [String]

    package init(path: String, prefix: [String] = []) {
        self.path = path
        self.prefix = prefix
    }

    /// The given path; else `mini-supervisor` beside this program; else this program, which can play the part itself.
    static func find(_ given: String?) -> SupervisorProgram {
        if let given { return SupervisorProgram(path: given) }
        guard let resolved = realpath("/proc/self/exe", nil) else {
            return SupervisorProgram(path: "/proc/self/exe", prefix: ["supervise"])
        }
        defer { free(resolved) }
        let own = String(cString: resolved)
        let beside = DurableFile.parent(of: own) + "/mini-supervisor"
        if access(beside, X_OK) == 0 { return SupervisorProgram(path: beside) }
        return SupervisorProgram(path: own, prefix: ["supervise"])
    }
}
