// One setting of a program: its value as text, and where it came from.

/// A flag's name and the text it was given.
public struct Setting: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
