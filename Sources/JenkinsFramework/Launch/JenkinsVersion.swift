// The controller's version, and what the agent program that comes with it understands.

/// `2.462.3`, `2.470` or `1.625.3`. The first two numbers tell what a controller can do, on LTS lines and weekly ones.
package struct JenkinsVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int
    private let text: String

    /// - Returns: nil if the text is no version.
    package init?(_ text: String) {
        let numbers = text.prefix(40).split(separator: ".").map { Int($0.prefix { $0.isASCII && $0.isNumber }) }
        guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.major = major
        self.minor = minor
        self.text = String(text.prefix(40))
    }

    package var description: String { text }

    package static func < (left: JenkinsVersion, right: JenkinsVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    func isAtLeast(_ major: Int, _ minor: Int) -> Bool { (self.major, self.minor) >= (major, minor) }

    /// `-url`, `-name`: remoting 3176, with LTS 2.440. Before, an agent is pointed to a document of the controller.
    var agentTakesURL: Bool { isAtLeast(2, 440) }
    /// `-noReconnectAfter`: remoting 3241, with LTS 2.462.
    var agentTakesReconnectLimit: Bool { isAtLeast(2, 462) }
    /// `/jnlpJars/agent.jar`; before, the same file is called slave.jar.
    var hasAgentJar: Bool { isAtLeast(2, 78) }
    var hasWebSocket: Bool { isAtLeast(2, 222) }
    /// `-workDir`: remoting 3.10, with 2.68.
    var agentTakesWorkDirectory: Bool { isAtLeast(2, 68) }
}
