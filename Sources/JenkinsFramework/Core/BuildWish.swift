// What one build asks of its agent beyond the label: a size, an image.
import Resources

/// nil: as the template has it.
struct BuildWish: Hashable, Sendable {
    var cpus: Scalar?
    /// MiB.
    var memory: Scalar?
    var disk: Scalar?
    var image: String?

    static let none = BuildWish()

    /// Large enough for both.
    func joined(_ other: BuildWish) -> BuildWish {
        BuildWish(
            cpus: Self.larger(cpus, other.cpus), memory: Self.larger(memory, other.memory),
            disk: Self.larger(disk, other.disk), image: image ?? other.image)
    }

    private static func larger(_ left: Scalar?, _ right: Scalar?) -> Scalar? {
        guard let left else { return right }
        return max(left, right ?? left)
    }
}

extension AgentTemplate {
    /// What the parameters, the job's name and what was measured say, in this order.
    ///
    /// - Parameter advice: What the job's builds were measured to need; used only with `autoSize: apply`.
    func wish(of item: QueueItem, advice: Resources?) -> BuildWish {
        if sizing.isFixed { return .none }
        func parameter(_ name: String?) -> String? {
            guard let name, let value = item.parameters[name]?.trimmingBlanks, !value.isEmpty else { return nil }
            return value
        }
        func amount(_ name: String?) -> Scalar? { parameter(name).flatMap(Double.init).flatMap { Scalar($0) } }
        let job = JobName.of(item)
        let rule = sizing.rules.first { $0.jobs.matches(job) }
        let measured = sizing.automatic == .apply ? advice : nil
        return BuildWish(
            cpus: amount(sizing.cpusParameter) ?? rule?.cpus ?? measured?["cpus"].unlessZero,
            memory: amount(sizing.memoryParameter) ?? rule?.memory ?? measured?["mem"].unlessZero,
            disk: amount(sizing.diskParameter) ?? rule?.disk,
            image: parameter(sizing.imageParameter) ?? rule?.image)
    }

    /// What an agent for builds with this wish asks of an offer, within the bounds; nil if that is what the template says.
    func size(for wish: BuildWish) -> Resources? {
        guard wish.cpus != nil || wish.memory != nil || wish.disk != nil else { return nil }
        let usual = resources(executors: 1)
        func bounded(_ wanted: Scalar?, _ name: String, _ least: Scalar?, _ most: Scalar?) -> Scalar {
            guard let wanted else { return usual[name] }
            let least = least ?? Scalar(milli: usual[name].milli / 4)
            let most = max(most ?? Scalar(milli: usual[name].milli * 4), least)
            return min(max(wanted, least), most)
        }
        let memory = bounded(wish.memory, "mem", sizing.memoryMin, sizing.memoryMax)
        return Resources(
            cpus: max(bounded(wish.cpus, "cpus", sizing.cpusMin, sizing.cpusMax), Scalar(milli: 1)),
            mem: Scalar(milli: max((memory.milli + 999) / 1_000, 1) * 1_000),
            disk: wish.disk.map { min(max($0, disk), sizing.diskMax ?? max(disk, $0)) } ?? disk)
    }

    func allows(image: String) -> Bool { imagesAllowed.contains { $0.matches(image) } }

    /// The image that a label expression asks for, if it can be served by that alone: `WORD:IMAGE`, WORD a label of ours.
    func imageLabel(in label: LabelRequirement) -> (label: String, image: String)? {
        guard imageFromLabel, case .expression(let expression) = label else { return nil }
        for name in expression.names.sorted() {
            for word in labels where name.hasPrefix(word + ":") {
                let image = String(name.dropFirst(word.count + 1))
                if allows(image: image), expression.matches(Set(labels + [name])) { return (name, image) }
            }
        }
        return nil
    }
}

/// The full name of the job a thing belongs to: `folder/job`.
package enum JobName {
    /// Pipeline steps are called `part of JOB #N` or `JOB #N (stage)`.
    static func of(_ item: QueueItem) -> String {
        guard item.taskClass.hasSuffix("PlaceholderTask") else { return item.taskName }
        var name = item.taskName[...]
        if name.hasPrefix("part of ") { name = name.dropFirst("part of ".count) }
        // The name of a stage may hold anything, a job's may hold blanks: the first number decides.
        var rest = name
        while let mark = rest.firstRange(of: " #") {
            let after = rest[mark.upperBound...]
            let tail = after.drop { $0.isNumber }
            if tail.startIndex != after.startIndex, tail.isEmpty || tail.hasPrefix(" (") {
                return String(name[..<mark.lowerBound])
            }
            rest = after
        }
        return String(name)
    }

    /// - Returns: nil if it is no build's URL.
    package static func ofBuild(url: String) -> String? {
        let name = BuildWatch.name(fromURL: url)
        guard name != url, let number = name.lastIndex(of: "#") else { return nil }
        return decoded(String(name[..<number]).trimmingBlanks)
    }

    /// `%XX` as the characters they stand for.
    private static func decoded(_ text: String) -> String {
        guard text.contains("%") else { return text }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Scalar {
    fileprivate var unlessZero: Scalar? { isZero ? nil : self }
}
