// Credentials that a task brings along for the pull of its own image.

import Glibc
import MesosProtocol

enum TaskCredentials {
    private static let bytesMax = 1 << 20

    /// The docker config of the image itself, else one that the task fetched into its sandbox; nil if there is none.
    static func find(_ launch: Launch) throws(RegistryCredentialsError) -> RegistryCredentials? {
        let image = launch.record.info.container.mesos.image.docker
        if image.hasConfig, image.config.hasValue {
            return try RegistryCredentials(Array(image.config.value.data))
        }
        for name in [".docker/config.json", ".dockercfg"] {
            if let text = read("\(launch.run.sandbox)/\(name)") { return try RegistryCredentials(text) }
        }
        return nil
    }

    /// A fetched archive may hold links to files of the host: neither the file nor its folder may be one.
    private static func read(_ path: String) -> [UInt8]? {
        let folder = open(DurableFile.parent(of: path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else { return nil }
        defer { close(folder) }
        let name = String(path.dropFirst(DurableFile.parent(of: path).count + 1))
        let file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
            return nil
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= bytesMax {
            let count = Glibc.read(file, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return bytes
    }
}
