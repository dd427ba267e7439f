#!/bin/sh
# Regenerates Sources/MesosProtocol/Generated from the .proto files. Needs protoc, python3 and protoc-gen-swift 1.39.0
# (swift build -c release --product protoc-gen-swift in a checkout of swift-protobuf); $PROTOC_GEN_SWIFT names it when
# it is not in PATH. The output is committed, so nobody needs these tools to build.
set -eu
cd "$(dirname "$0")"
out=../Sources/MesosProtocol/Generated
plugin=${PROTOC_GEN_SWIFT:-$(command -v protoc-gen-swift || true)}
if [ ! -x "$plugin" ]; then
    echo "generate.sh: protoc-gen-swift not found; set PROTOC_GEN_SWIFT" >&2
    exit 2
fi
protos="mesos/v1/mesos.proto mesos/v1/scheduler.proto mesos/v1/executor.proto mesos/v1/allocator.proto
    mesos/v1/maintenance.proto mesos/v1/quota.proto mesos/v1/master.proto mesos/v1/agent.proto mini/link/v1/link.proto"
# SwiftProtobuf has the Swift of this one; only the JSON codec must be told.
duration=google/protobuf/duration.proto
mkdir -p "$out"
protoc --plugin=protoc-gen-swift="$plugin" -I . \
    --swift_opt=Visibility=Public --swift_opt=FileNaming=DropPath --swift_out="$out" $protos
set_file=$(mktemp)
trap 'rm -f "$set_file"' EXIT
protoc -I . --include_imports --descriptor_set_out="$set_file" $protos
python3 schema_tables.py "$set_file" "$out" $duration $protos
