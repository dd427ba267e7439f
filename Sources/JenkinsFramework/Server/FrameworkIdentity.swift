// What the framework says of itself to the master.
import FoundationEssentials
import HTTPClient
import MesosProtocol
import Resources
import SchedulerClient

struct FrameworkIdentity {
    let configuration: JenkinsConfiguration
    /// Where its status is served.
    let url: String

    /// - Parameter id: nil registers a new framework.
    func info(_ id: FrameworkID?) -> V1FrameworkInfo {
        let cluster = configuration.mesos
        var info = V1FrameworkInfo()
        info.user = cluster.user
        info.name = cluster.frameworkName
        if let id { info.id = V1FrameworkID(id) }
        info.failoverTimeout = Double(cluster.failoverTimeout.clampedNanoseconds) / 1e9
        info.checkpoint = cluster.checkpoint
        info.roles = cluster.roles.map(\.value)
        if !cluster.principal.isEmpty { info.principal = cluster.principal }
        info.webuiURL = url
        let capabilities: [V1FrameworkInfo.Capability.TypeEnum] = [
            .multiRole, .partitionAware, .taskKillingState, .reservationRefinement,
        ]
        info.capabilities = capabilities.map {
            var capability = V1FrameworkInfo.Capability()
            capability.type = $0
            return capability
        }
        return info
    }

    func client(_ id: FrameworkID?) -> SchedulerClient.Configuration {
        let cluster = configuration.mesos
        var subscription = SubscriptionSettings()
        subscription.backoffMin = cluster.reconnectMin
        subscription.backoffMax = cluster.reconnectMax
        subscription.subscribesAnewWhenRemoved = true
        var client = SchedulerClient.Configuration(
            master: cluster.master, framework: info(id), suppressedRoles: cluster.roles, subscription: subscription)
        client.otherMasters = cluster.otherMasters
        if let path = cluster.secretFile {
            // Read for every request: a rotated secret counts from the next one on.
            let secret = SecretFile(path: path)
            client.currentCredentials = { (try? secret.read()).map { (cluster.principal, $0) } }
        }
        return client
    }
}
