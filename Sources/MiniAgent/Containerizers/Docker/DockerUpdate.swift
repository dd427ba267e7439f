// Fits a running container to what runs in it: an executor's grows with every task that it is given.

import Logging
import MesosProtocol
import Resources

extension DockerContainerizer {
    /// Limits only. A refusal is logged: the container goes on within the limits it had.
    package func update(_ launch: Launch) async {
        do throws(LaunchFailure) {
            let mapping = try await mapping(launch)
            do throws(DockerError) {
                try await engine.update(mapping.name, body: mapping.limitsBody)
            } catch {
                logger.warning("cannot change the limits of \(mapping.name): \(error)")
            }
        } catch {
            logger.warning("cannot work out the limits of container \(launch.record.container): \(error)")
        }
    }
}

extension DockerMapping {
    /// The body of `POST /containers/{id}/update`.
    package var limitsBody: [UInt8] {
        JSONValue.members([
            ("CpuShares", options.cpuShares.map { .integer($0) }),
            ("CpuPeriod", options.cpuQuotaMicroseconds.map { _ in .integer(100_000) }),
            ("CpuQuota", options.cpuQuotaMicroseconds.map { .integer($0) }),
            ("Memory", options.memoryBytes.map { .integer($0) }),
            ("MemorySwap", options.memorySwapBytes.map { .integer($0) }),
        ]).text
    }
}

extension DockerEngine {
    package func update(_ name: String, body: [UInt8]) async throws(DockerError) {
        try await call("POST", "/containers/\(Self.escaped(name))/update", body: body)
    }
}
