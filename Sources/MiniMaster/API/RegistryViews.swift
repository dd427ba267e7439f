// What the registry holds that operators set: weights, quota, maintenance, as messages.
import Allocator
import MesosProtocol
import Resources

/// Pure; each function is one list.
enum RegistryViews {
    /// Weights other than 1, sorted by role; those of the command line while none is stored.
    static func weights(_ cluster: Cluster) -> [(role: RoleName, weight: Double)] {
        let stored = cluster.registry.weights
        return (stored.isEmpty ? cluster.settings.weights : stored).sorted { $0.key < $1.key }
            .map { (role: $0.key, weight: $0.value.doubleValue) }
    }

    /// Configured quotas: amounts by the resource's name.
    static func quotas(
        _ cluster: Cluster
    ) -> [RoleName: (guarantee: [String: Double], limit: [String: Double])] { [:] }

    /// The same as messages, in both forms.
    static func quota(_ cluster: Cluster) -> V1QuotaQuotaStatus { V1QuotaQuotaStatus() }

    static func schedule(_ cluster: Cluster) -> V1MaintenanceSchedule { V1MaintenanceSchedule() }

    static func maintenance(_ cluster: Cluster) -> V1MaintenanceClusterStatus { V1MaintenanceClusterStatus() }

    /// What the descriptions in it take, encoded: nearly all there is.
    static func sizeBytes(of registry: RegistryState) -> Int {
        let agents = registry.agents.values.reduce(0) { $0 + MediaType.protobuf.encode($1).count }
        return registry.frameworks.values.reduce(agents) { $0 + MediaType.protobuf.encode($1.info).count }
    }

    static func document(_ registry: RegistryState) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.object("slaves") { json in
                json.array("slaves") { json in
                    for (_, info) in registry.agents.sorted(by: { $0.key < $1.key }) {
                        json.object { $0.member("info", info) }
                    }
                }
            }
            marks(&json, "unreachable", registry.unreachable)
            marks(&json, "gone", registry.gone)
            json.array("weights") { json in
                for (role, weight) in registry.weights.sorted(by: { $0.key < $1.key }) {
                    json.object { json in
                        json.member("role", role.value)
                        json.member("weight", weight.doubleValue)
                    }
                }
            }
        }
        return json.bytes
    }

    private static func marks(_ json: inout JSONWriter, _ name: String, _ marks: [AgentID: WallTime]) {
        json.object(name) { json in
            json.array("slaves") { json in
                for (id, time) in marks.sorted(by: { $0.key < $1.key }) {
                    json.object { json in
                        json.object("id") { $0.member("value", id.value) }
                        json.object("timestamp") { $0.member("nanoseconds", Int(time.nanoseconds)) }
                    }
                }
            }
        }
    }
}
