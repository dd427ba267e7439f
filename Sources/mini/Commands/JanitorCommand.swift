// The hidden command that takes a development cluster away when `mini up` has ended.

import ArgumentParser
import DevCluster
import Foundation

struct JanitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "janitor", abstract: "Waits for the end of standard input, then removes a cluster.",
        shouldDisplay: false)

    @Option(name: .customLong("cluster_id")) var clusterID: String
    @Option var directory: String
    @Option(name: .customLong("docker_socket")) var dockerSocket: String

    func run() async throws {
        // Whatever ends `mini up` may be sent to its whole process group; the janitor's work is still to come.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { signal(number, SIG_IGN) }
        let status = await JanitorDuty.run(
            ClusterTeardown(clusterID: clusterID, directory: directory, dockerSocket: dockerSocket))
        throw ExitCode(status)
    }
}
