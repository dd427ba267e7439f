/// An exported object of the REST API: named properties, each made only if the client wants it.
struct Bean {
    enum Value {
        case json(JSONValue)
        case bean(Bean)
        case beans([Bean])
        case nothing
    }
    struct Property {
        var name: String
        /// Without `tree`, a property of an object `n` levels down shows if its visibility is above `n - depth`.
        var visibility: Int
        var isInline: Bool
        var make: () -> Value
    }

    /// The Java class, always present in the answer because clients dispatch on it.
    var className: String?
    var properties: [Property] = []

    init(_ className: String?) { self.className = className }

    mutating func add(_ name: String, visibility: Int = 1, _ make: @autoclosure @escaping () -> JSONValue) {
        properties.append(.init(name: name, visibility: visibility, isInline: false, make: { .json(make()) }))
    }

    mutating func addBean(_ name: String, visibility: Int = 1, _ make: @autoclosure @escaping () -> Bean?) {
        properties.append(
            .init(name: name, visibility: visibility, isInline: false, make: { make().map { .bean($0) } ?? .nothing }))
    }

    mutating func addBeans(
        _ name: String, visibility: Int = 1, inline: Bool = false, _ make: @autoclosure @escaping () -> [Bean]
    ) {
        properties.append(.init(name: name, visibility: visibility, isInline: inline, make: { .beans(make()) }))
    }

    /// The part of the bean that a `tree` asks for.
    func pruned(by filter: TreeFilter) -> JSONValue {
        rendered { property in
            guard let branch = filter.branch(property.name) else { return nil }
            return render(property.make(), range: branch.range) { bean in
                bean.pruned(by: branch.children ?? TreeFilter())
            }
        }
    }

    /// Everything visible at this depth; 0 shows the bean itself and the names of what it refers to.
    func pruned(toDepth depth: Int) -> JSONValue { pruned(threshold: 1 - depth) }

    private func pruned(threshold: Int) -> JSONValue {
        rendered { property in
            guard property.visibility >= threshold else { return nil }
            return render(property.make(), range: nil) { bean in
                bean.pruned(threshold: property.isInline ? threshold : threshold + 1)
            }
        }
    }

    private func rendered(_ value: (Property) -> JSONValue?) -> JSONValue {
        var members: [JSONValue.Member] = []
        if let className { members.append(.init(name: "_class", value: .string(className))) }
        for property in properties {
            if let value = value(property) { members.append(.init(name: property.name, value: value)) }
        }
        return .object(members)
    }

    private func render(_ value: Value, range: Range<Int>?, _ nested: (Bean) -> JSONValue) -> JSONValue {
        switch value {
        case .nothing: return .null
        case .bean(let bean): return nested(bean)
        case .beans(let beans): return .array(Self.cut(beans, range).map(nested))
        case .json(.array(let elements)): return .array(Array(Self.cut(elements, range)))
        case .json(let json): return json
        }
    }

    private static func cut<Element>(_ elements: [Element], _ range: Range<Int>?) -> ArraySlice<Element> {
        guard let range else { return elements[...] }
        return elements[min(range.lowerBound, elements.count)..<min(range.upperBound, elements.count)]
    }
}
