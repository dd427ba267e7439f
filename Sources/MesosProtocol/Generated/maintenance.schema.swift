// DO NOT EDIT. Written by Protos/schema_tables.py from mesos/v1/maintenance.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let maintenanceTable = #"""
        message mesos.v1.maintenance.Window
        1 machine_ids repeated message:mesos.v1.MachineID
        2 unavailability required message:mesos.v1.Unavailability
        message mesos.v1.maintenance.Schedule
        1 windows repeated message:mesos.v1.maintenance.Window
        message mesos.v1.maintenance.ClusterStatus
        1 draining_machines repeated message:mesos.v1.maintenance.ClusterStatus.DrainingMachine
        2 down_machines repeated message:mesos.v1.MachineID
        message mesos.v1.maintenance.ClusterStatus.DrainingMachine
        1 id required message:mesos.v1.MachineID
        2 statuses repeated message:mesos.v1.allocator.InverseOfferStatus
        """#
}
