// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/quota.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let quotaTable = #"""
        message mesos.v1.quota.QuotaInfo
        1 role optional string
        2 principal optional string
        3 guarantee repeated message:mesos.v1.Resource
        message mesos.v1.quota.QuotaRequest
        1 force optional bool
        2 role optional string
        3 guarantee repeated message:mesos.v1.Resource
        message mesos.v1.quota.QuotaConfig
        1 role required string
        2 guarantees map message:mesos.v1.Value.Scalar
        3 limits map message:mesos.v1.Value.Scalar
        message mesos.v1.quota.QuotaStatus
        1 infos repeated message:mesos.v1.quota.QuotaInfo
        2 configs repeated message:mesos.v1.quota.QuotaConfig
        """#
}
