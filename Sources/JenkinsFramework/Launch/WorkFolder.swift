// Where an agent works: the template's folder, or a subfolder of its own where others use the same one.
import Resources

enum WorkFolder {
    /// The agent's working folder, as the controller and the agent are told.
    static func path(_ remoteFS: String, of name: NodeName, _ launch: LaunchShape) -> String {
        guard launch.separatesWorkspaces, isShared(remoteFS, launch) else { return remoteFS }
        return remoteFS + (remoteFS.hasSuffix("/") ? "" : "/") + name.value
    }

    /// Whether it lies on the host, or on storage that hosts share.
    private static func isShared(_ remoteFS: String, _ launch: LaunchShape) -> Bool {
        guard remoteFS.hasPrefix("/") else { return false }
        guard let container = launch.container else { return true }
        return container.volumes.contains { $0.hostPath != nil && isInside(remoteFS, $0.containerPath) }
    }

    private static func isInside(_ path: String, _ folder: String) -> Bool {
        path == folder || path.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/")
    }

    /// The folders of the host that an agent depends on.
    static func mounts(_ remoteFS: String, _ launch: LaunchShape) -> [String] {
        guard let container = launch.container else { return remoteFS.hasPrefix("/") ? [remoteFS] : [] }
        return container.volumes.filter { $0.hostPath != nil }.map(\.containerPath)
    }
}
