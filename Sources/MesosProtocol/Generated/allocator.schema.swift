// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/allocator.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let allocatorTable = #"""
        message mesos.v1.allocator.InverseOfferStatus
        1 status required enum:mesos.v1.allocator.InverseOfferStatus.Status
        2 framework_id required message:mesos.v1.FrameworkID
        3 timestamp required message:mesos.v1.TimeInfo
        enum mesos.v1.allocator.InverseOfferStatus.Status
        1 UNKNOWN
        2 ACCEPT
        3 DECLINE
        """#
}
