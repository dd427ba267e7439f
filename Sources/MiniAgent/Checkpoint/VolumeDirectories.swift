// The directories of persistent volumes: made, emptied away and found again after a crash.

import Glibc
import Resources

/// `volumes/roles/<role>/<id>` below a work directory. A volume's data outlives the tasks that use it; it goes with
/// DESTROY, and only with that.
package struct VolumeDirectories: Sendable {
    package var paths: AgentPaths

    package init(paths: AgentPaths) { self.paths = paths }

    /// Makes the directories that are missing.
    package func make(_ volumes: [VolumeName]) throws(FileError) {
        for volume in volumes { try DurableFile.createDirectories(paths.volume(volume)) }
    }

    /// Takes destroyed volumes out of sight at once, whatever is in them. ``sweep()`` removes them in its own time.
    ///
    /// The record that they are destroyed is on disk before this is called, so a crash in between is made up for by
    /// calling it again.
    package func condemn(_ volumes: [VolumeName]) throws(FileError) {
        if volumes.isEmpty { return }
        try DurableFile.createDirectories(paths.condemnedVolumes)
        for volume in volumes {
            for number in 1...10_000 {
                let grave = "\(paths.condemnedVolumes)/\(number)"
                if access(grave, F_OK) == 0 { continue }
                _ = try DurableFile.move(paths.volume(volume), to: grave)
                break
            }
        }
    }

    /// Removes what was condemned. May take long: nobody waits for it.
    package func sweep() {
        for name in DurableFile.names(in: paths.condemnedVolumes) {
            DurableFile.remove("\(paths.condemnedVolumes)/\(name)")
        }
    }

    /// Brings the directories in line with what was on disk when the agent ended, wherever it was interrupted.
    package func recover(_ state: ResourceState) throws(FileError) {
        let volumes = state.volumes
        try make(volumes)
        let kept = Set(volumes)
        try condemn(state.destroyed.filter { !kept.contains($0) })
    }
}
