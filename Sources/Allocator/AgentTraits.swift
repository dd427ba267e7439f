// What is known of an agent besides its resources, as far as it decides who is offered it.

/// Where an agent is and what its operator calls it.
public struct AgentTraits: Hashable, Codable, Sendable {
    public struct Attribute: Hashable, Codable, Sendable {
        public var name: String
        /// The value; scalars and ranges in the form Mesos prints them.
        public var text: String
        /// Whether it is a text, not a scalar or ranges.
        public var isText: Bool

        public init(name: String, text: String, isText: Bool = true) {
            self.name = name
            self.text = text
            self.isText = isText
        }
    }

    public var hostname: String
    /// `nil` if the agent has no fault domain.
    public var region: String?
    public var zone: String?
    /// In the order the agent gave them.
    public var attributes: [Attribute]

    public init(
        hostname: String = "", region: String? = nil, zone: String? = nil, attributes: [Attribute] = []
    ) {
        self.hostname = hostname
        self.region = region
        self.zone = zone
        self.attributes = attributes
    }
}
