// What the registry holds that operators set: weights, quota, maintenance, as messages.
import Allocator
import MesosProtocol
import Resources

/// Pure; each function is one list.
enum RegistryViews {
    /// Weights other than 1, sorted by role; those of the command line while none is stored.
    static func weights(_ cluster: Cluster) -> [(role: RoleName, weight: Double)] {
        let stored = cluster.registry.weights
        return (stored.isEmpty ? cluster.settings.weights : stored).filter { $0.value != .one }.sorted {
            $0.key < $1.key
        }
        .map { (role: $0.key, weight: $0.value.doubleValue) }
    }

    /// Configured quotas: amounts by the resource's name.
    static func quotas(
        _ cluster: Cluster
    ) -> [RoleName: (guarantee: [String: Double], limit: [String: Double])] {
        cluster.registry.quotas.mapValues { quota in
            (quota.guarantees.mapValues(\.doubleValue), quota.limits.mapValues(\.doubleValue))
        }
    }

    /// The same as messages, in both forms, sorted by role.
    static func quota(_ cluster: Cluster, for viewer: Viewer = .everything) -> V1QuotaQuotaStatus {
        var status = V1QuotaQuotaStatus()
        for (role, quota) in quotas(cluster).sorted(by: { $0.key < $1.key })
        where viewer.canSeeQuota(of: role.value) {
            var info = V1QuotaQuotaInfo()
            info.role = role.value
            info.guarantee = quota.guarantee.sorted { $0.key < $1.key }.map { V1Resource(quantity: $0.key, $0.value) }
            status.infos.append(info)
            var config = V1QuotaQuotaConfig()
            config.role = role.value
            config.guarantees = quota.guarantee.mapValues(scalar)
            config.limits = quota.limit.mapValues(scalar)
            status.configs.append(config)
        }
        return status
    }

    private static func scalar(_ value: Double) -> V1Value.Scalar {
        var scalar = V1Value.Scalar()
        scalar.value = value
        return scalar
    }

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

extension V1Resource {
    /// An amount of something, of whatever reservation.
    init(quantity name: String, _ amount: Double) {
        self.init()
        self.name = name
        type = .scalar
        scalar.value = amount
    }
}
