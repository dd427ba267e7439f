// A checkpoint as agents of version 1 of the format left it: a folder for each task, with two files in it.

import Glibc
import Resources

@testable import MiniAgent

enum VersionOne {
    /// How long the description at the beginning of a task's file is: up to the record that says what runs it.
    static func descriptionBytes(_ bytes: [UInt8]) -> Int {
        guard let records = try? RecordFile.decode(bytes).records else { return bytes.count }
        var end = RecordFile.headerBytes
        for record in records {
            end += RecordFile.recordHeaderBytes + 1 + record.payload.count
            if case .placement = CheckpointRecord(record) { return end }
        }
        return end
    }

    /// Gives a task the files that it had in version 1, and the agent its version.
    static func convert(
        _ paths: AgentPaths, _ agent: AgentID, _ key: TaskKey, _ container: ContainerID
    ) throws(FileError) {
        let new = paths.run(agent, key, container)
        var paths = paths
        paths.inFolders = [container]
        let old = paths.run(agent, key, container)
        let bytes = try DurableFile.read(new.taskInfo) ?? []
        let end = descriptionBytes(bytes)
        try DurableFile.createDirectories(old.taskDirectory)
        try DurableFile.replace(old.taskInfo, with: aged(Array(bytes[..<end])))
        try DurableFile.replace(old.taskUpdates, with: aged(RecordFile.header + bytes[end...]))
        try DurableFile.relink(DurableFile.parent(of: old.meta) + "/latest", to: container.value)
        unlink(new.taskInfo)
        try DurableFile.replace(
            paths.agentInfo(agent), with: aged(try DurableFile.read(paths.agentInfo(agent)) ?? []))
    }

    private static func aged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        bytes.replaceSubrange(4..<6, with: [1, 0])
        return bytes
    }
}
