// The engine's answers, reduced to what decisions need. Anything unexpected is an error value, never a crash.

import MesosProtocol

/// One line of the engine's container list.
package struct DockerListEntry: Hashable, Sendable {
    package var labels: [String: String]
    /// `created`, `running`, `exited`, ...
    package var state: String
}

/// A container as `inspect` describes it.
package struct DockerContainer: Hashable, Sendable {
    package enum Condition: Hashable, Sendable {
        case created
        case running
        case exited
    }

    package var condition: Condition
    package var exitCode: Int
    package var wasOutOfMemory: Bool
    /// What the engine says went wrong.
    package var error: String
    package var ipv4: [String]
    package var ipv6: [String]
    package var memoryLimitBytes: Int
    /// The engine's own words, for `TaskStatus.data`.
    package var json: [UInt8]
    /// The engine's id; empty if it did not say.
    package var id = ""
    /// Its first process on the engine's host; 0 if there is none.
    package var pid = 0
    /// `host`, `bridge`, `none`, the name of a network, ...
    package var networkMode = ""
    /// Whether somebody may still type into it.
    package var isInputOpen = false
}

package enum DockerAnswers {
    /// Of an inspection that goes into a status update. Ordinary ones have a tenth of it.
    private static let jsonBytesMax = 128 << 10

    /// The `message` of an error answer, or what there is instead.
    package static func message(_ body: [UInt8]) -> String {
        if let message = (try? JSONValue(parsing: body))?["message"]?.stringValue { return oneLine(message) }
        return oneLine(String(decoding: body.prefix(500), as: UTF8.self))
    }

    /// What an engine says of itself, with the newest API version that both sides speak.
    package static func version(
        _ body: [UInt8], ours: ClosedRange<DockerAPIVersion>
    ) throws(DockerError) -> DockerEngineInfo {
        let value = try parse(body)
        let text = value["ApiVersion"]?.stringValue ?? ""
        guard let theirs = DockerAPIVersion(text) else { throw .malformed("no ApiVersion") }
        let name = oneLine(String((value["Version"]?.stringValue ?? "").prefix(100)))
        if theirs < ours.lowerBound {
            throw .malformed(
                "version \(name) speaks API \(theirs) at most, and at least \(ours.lowerBound) is needed (Docker 20.10)"
            )
        }
        if let least = value["MinAPIVersion"]?.stringValue.flatMap({ DockerAPIVersion($0) }), least > ours.upperBound {
            throw .malformed(
                "version \(name) speaks API \(least) at least, and \(ours.upperBound) is the newest known here")
        }
        let isPodman = (value["Components"]?.arrayValue ?? []).contains {
            $0["Name"]?.stringValue?.hasPrefix("Podman") == true
        }
        return DockerEngineInfo(version: min(theirs, ours.upperBound), isPodman: isPodman)
    }

    package static func list(_ body: [UInt8]) throws(DockerError) -> [DockerListEntry] {
        guard let entries = try parse(body).arrayValue else { throw .malformed("a container list is no array") }
        return entries.map { entry in
            var labels: [String: String] = [:]
            for member in entry["Labels"]?.objectValue ?? [] { labels[member.key] = member.value.stringValue }
            return DockerListEntry(labels: labels, state: entry["State"]?.stringValue ?? "")
        }
    }

    /// Of the five kilobytes that an engine says of a container.
    private static let inspected = JSONSelection.members([
        ("Id", .everything), ("State", .named("Status", "ExitCode", "OOMKilled", "Error", "Pid")),
        ("NetworkSettings", .named("IPAddress", "GlobalIPv6Address", "Networks")),
        ("HostConfig", .named("Memory", "NetworkMode")), ("Config", .named("OpenStdin")),
    ])

    package static func container(_ body: [UInt8]) throws(DockerError) -> DockerContainer {
        let value = try parse(body, keeping: inspected)
        guard let state = value["State"], let status = state["Status"]?.stringValue else {
            throw .malformed("a container without State.Status")
        }
        var addresses: (v4: [String], v6: [String]) = ([], [])
        func collect(_ network: JSONValue?) {
            if let address = network?["IPAddress"]?.stringValue, !address.isEmpty, !addresses.v4.contains(address) {
                addresses.v4.append(address)
            }
            if let address = network?["GlobalIPv6Address"]?.stringValue, !address.isEmpty,
                !addresses.v6.contains(address)
            {
                addresses.v6.append(address)
            }
        }
        let settings = value["NetworkSettings"]
        collect(settings)
        for network in settings?["Networks"]?.objectValue ?? [] { collect(network.value) }
        return DockerContainer(
            condition: condition(status), exitCode: state["ExitCode"]?.integerValue ?? 0,
            wasOutOfMemory: state["OOMKilled"]?.boolValue ?? false, error: state["Error"]?.stringValue ?? "",
            ipv4: addresses.v4, ipv6: addresses.v6,
            memoryLimitBytes: value["HostConfig"]?["Memory"]?.integerValue ?? 0,
            json: body.count <= jsonBytesMax ? body : [],
            id: value["Id"]?.stringValue ?? "", pid: state["Pid"]?.integerValue ?? 0,
            networkMode: value["HostConfig"]?["NetworkMode"]?.stringValue ?? "",
            isInputOpen: value["Config"]?["OpenStdin"]?.boolValue ?? false)
    }

    /// What one of the engine's words for a container's state means to us.
    package static func condition(_ status: String) -> DockerContainer.Condition {
        switch status {
        case "created": .created
        case "running", "paused", "restarting": .running
        default: .exited  // exited, dead, removing
        }
    }

    private static func parse(
        _ body: [UInt8], keeping selection: JSONSelection = .everything
    ) throws(DockerError) -> JSONValue {
        do throws(JSONSyntaxError) {
            return try JSONValue(parsing: body, keeping: selection)
        } catch {
            throw .malformed("\(error)")
        }
    }

    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
