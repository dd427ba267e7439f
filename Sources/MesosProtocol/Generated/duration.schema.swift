// DO NOT EDIT. Written by Protos/schema_tables.py from google/protobuf/duration.proto; Schema.swift says how it reads.
// swift-format-ignore-file

extension Schema {
    static let durationTable = #"""
        message google.protobuf.Duration
        1 seconds optional int64 0
        2 nanos optional int32 0
        """#
}
