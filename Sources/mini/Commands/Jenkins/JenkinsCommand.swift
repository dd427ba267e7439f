// `mini jenkins`: the framework that turns queued builds into Jenkins agents, and what belongs to it.

import ArgumentParser

struct JenkinsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jenkins",
        abstract: "Run the Jenkins framework: queued builds become Jenkins agents in the cluster.",
        usage: "mini jenkins --config <path> | mini jenkins <subcommand>",
        discussion:
            "The configuration file is described in Docs/jenkins.md. `mini jenkins run --help` lists the flags.",
        subcommands: [
            JenkinsRunCommand.self, JenkinsCheckCommand.self, JenkinsImportCommand.self, JenkinsQueueCommand.self,
            JenkinsBuildsCommand.self, JenkinsUsageCommand.self, JenkinsGateKeeperCommand.self,
        ], defaultSubcommand: JenkinsRunCommand.self)
}
