// The steps of a running agent, for those who follow them one by one.

/// What an agent is about to do, or has just done.
package enum AgentStep: Sendable {
    /// Something has happened; the core does not know yet.
    case event(AgentEvent)
    /// The core has decided on something; nothing of it is done.
    case effect(AgentEffect)
    /// A checkpoint is on disk; the core does not know yet. Comes from the thread that writes.
    case durable(CheckpointWrite.Token)
    /// The engine has made or started a container; the core does not know yet. Comes from any thread.
    case engine(DockerContainerizer.Notice)

    /// Called at each step. The agent does not go on until it returns.
    package typealias Watcher = @Sendable (AgentStep) -> Void
}
