// Resources, ids and names in the form of `Codable`: short, and checked when they are read.

extension ID: Codable {
    public init(from decoder: any Decoder) throws { value = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

extension RoleName: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// In thousandths.
extension Scalar: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self.init(milli: try container.decode(Int64.self))
        guard milli >= 0, doubleValue <= Self.valueMax else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(milli) is no quantity")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milli)
    }
}

extension Instant: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(nanoseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }
}

/// A list of pairs.
extension Ranges: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self.init(
            try container.decode([[UInt64]].self).map { pair in
                guard pair.count == 2, pair[0] <= pair[1] else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(pair) is no range")
                }
                return pair[0]...pair[1]
            })
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(ranges.map { [$0.lowerBound, $0.upperBound] })
    }
}

extension ResourceEntry: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let plain = try container.decode(Plain.self)
        guard plain.key.kind == plain.value.kind else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(plain.key.name) of two kinds")
        }
        self.init(key: plain.key, value: plain.value)
    }

    public func encode(to encoder: any Encoder) throws { try Plain(key: key, value: value).encode(to: encoder) }

    private struct Plain: Codable {
        var key: ResourceKey
        var value: ResourceValue
    }
}

/// A text if the bag is as simple as `Resources.parse` reads it, else a list of entries.
extension Resources: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = try Resources.parse(text)
        } else {
            self.init(entries: try container.decode([ResourceEntry].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if isOrdinary { try container.encode(description) } else { try container.encode(entries) }
    }
}
