/// What a job is configured to do: the values behind its `config.xml`.
struct JobConfiguration: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// One shell script per build step, run in order on one executor.
        case freestyle(commands: [String])
        /// Stages run one after the other; the steps of a stage run side by side, each on an executor of its own.
        case pipeline(stages: [[PipelineStep]])
    }

    var kind: Kind
    /// The label expression as typed, or `nil` if the job may run anywhere. Pipelines carry labels in their steps.
    var label: String?
    var allowsConcurrentBuilds = false
    var isDisabled = false
    var parameters: [ParameterDefinition] = []
    var description = ""
    /// The document as it was posted; what `GET config.xml` returns.
    var xml: String

    var isPipeline: Bool {
        if case .pipeline = kind { return true }
        return false
    }
}

/// One `node` block of a pipeline.
struct PipelineStep: Equatable, Sendable {
    var label: String?
    var command: String
    /// How long the step goes on after its command succeeded.
    var seconds: Int
}

/// A parameter that a build of the job takes.
struct ParameterDefinition: Equatable, Sendable {
    enum Kind: Equatable, Sendable { case string, label, node }
    var kind: Kind
    var name: String
    var defaultValue: String
}

/// A parameter's value in one build.
struct ParameterValue: Equatable, Sendable {
    var kind: ParameterDefinition.Kind
    var name: String
    var value: String
}
