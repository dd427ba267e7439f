// Sizes and images that differ from build to build: by build parameters, by the job's name, or by what was measured.
import Resources

/// Chooses jobs by their full name (`folder/job`): a regular expression that must match the whole of it.
public struct JobPattern: Hashable, Sendable {
    public let text: String

    /// - Returns: nil if the text is no regular expression.
    public init?(_ text: String) {
        guard (try? Regex(text)) != nil else { return nil }
        self.text = text
    }

    public func matches(_ job: String) -> Bool {
        // Compiled anew each time: it is asked once for each build, and a compiled one can neither be compared nor shared.
        guard let regex = try? Regex(text) else { return false }
        return (try? regex.wholeMatch(in: job)) != nil
    }
}

/// Chooses container images: a glob, where `*` stands for any characters and `?` for one.
public struct ImagePattern: Hashable, Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    public func matches(_ image: String) -> Bool {
        let (pattern, text) = (Array(self.text), Array(image))
        var (here, there) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while there < text.count {
            if here < pattern.count, pattern[here] == "*" {
                star = (here, there)
                here += 1
            } else if here < pattern.count, pattern[here] == "?" || pattern[here] == text[there] {
                here += 1
                there += 1
            } else if let last = star {
                // The last star takes one character more.
                star = (last.pattern, last.text + 1)
                (here, there) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[here...].allSatisfy { $0 == "*" }
    }
}

/// How the size of a template's agents follows the builds they are for.
///
/// Sizes are those of the whole agent, and an agent with a size of its own has one executor. The controller decides which of
/// the waiting builds of a label gets a new node, so an agent is made as large as the largest of the builds that could
/// land on it.
public struct Sizing: Equatable, Sendable {
    public enum Automatic: String, CaseIterable, Hashable, Sendable {
        case off
        /// Sizes are suggested to people only.
        case suggest
        /// The next agent for a job asks for what the job's builds were measured to need.
        case apply
    }

    /// The size of jobs with certain names. What is nil stays as the template has it.
    public struct Rule: Equatable, Sendable {
        public var jobs: JobPattern
        public var cpus: Scalar?
        /// MiB.
        public var memory: Scalar?
        public var disk: Scalar?
        /// Must be allowed by the template's `imagesAllowed`.
        public var image: String?

        public init(
            jobs: JobPattern, cpus: Scalar? = nil, memory: Scalar? = nil, disk: Scalar? = nil, image: String? = nil
        ) {
            self.jobs = jobs
            self.cpus = cpus
            self.memory = memory
            self.disk = disk
            self.image = image
        }
    }

    public var automatic: Automatic = .off
    /// Names of build parameters that hold a number of CPUs, MiB of memory, MiB of disk, an image. nil: none does.
    /// Parameters go before rules, and those before what was measured.
    public var cpusParameter: String?
    public var memoryParameter: String?
    public var diskParameter: String?
    public var imageParameter: String?
    /// The first that matches a job counts.
    public var rules: [Rule] = []
    /// Bounds of what may be asked for, whoever asks. nil: a quarter of what the template has, and four times that.
    public var cpusMin: Scalar?
    public var cpusMax: Scalar?
    public var memoryMin: Scalar?
    public var memoryMax: Scalar?
    public var diskMax: Scalar?

    public init() {}

    /// Whether every build of the template gets the same.
    var isFixed: Bool {
        automatic != .apply && rules.isEmpty && cpusParameter == nil && memoryParameter == nil && diskParameter == nil
            && imageParameter == nil
    }
}
