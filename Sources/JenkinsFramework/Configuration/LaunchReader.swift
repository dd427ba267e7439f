// A template's `launch`, `workspace` and what belongs to them: how its agents are started.
import Resources

struct LaunchReader {
    let surroundings: ConfigurationSurroundings
    let forbiddenParameters: Set<String>

    private static let reconnectDefault = Duration.seconds(86_400)
    /// Where processes work whose template does not say: the host's folders are not theirs to fill.
    private static let sandboxFolder = "agent"

    func launch(_ section: inout ConfigurationSection, _ template: inout AgentTemplate) -> LaunchShape {
        let containers = ContainerReader(surroundings: surroundings, forbiddenParameters: forbiddenParameters)
        let container = containers.container(&section, &template)
        if container == nil, !section.has("remoteFs") { template.remoteFS = Self.sandboxFolder }
        var options = section.section("launch")
        var launch = LaunchShape(method: method(&options, container), container: container)
        launch.transport = options.choice("transport", LaunchShape.Transport.self) ?? .websocket
        launch.reconnect = options.duration("reconnect") ?? (launch.method == .java ? Self.reconnectDefault : nil)
        launch.tunnel = tunnel(&options, launch)
        launch.secretDelivery = options.choice("secret", LaunchShape.SecretDelivery.self) ?? .environment
        if launch.secretDelivery == .file, launch.method == .image {
            options.fail("secret", "the entrypoint of method 'image' reads the environment; use java or custom")
        }
        options.finish()
        launch.jvmArguments = section.line("jvmArgs") ?? ""
        launch.agentArguments = section.line("agentArgs") ?? ""
        launch.environment = environment(&section)
        launch.downloads = downloads(&section)
        launch.toolLocations = section.map("toolLocations").map { .init(key: $0.name, home: $0.value) }
        for tool in launch.toolLocations where !tool.key.contains("@") {
            section.fail("toolLocations", "expected TYPE@NAME: FOLDER, found '\(tool.key)'")
        }
        workspace(&section, &launch)
        return launch
    }

    private func method(
        _ options: inout ConfigurationSection, _ container: ContainerShape?
    ) -> LaunchShape.Method {
        enum Name: String, CaseIterable { case image, java, custom }
        let command = options.string("command")
        let given = options.choice("method", Name.self)
        let name = given ?? (command != nil ? .custom : container == nil ? .java : .image)
        switch name {
        case .image:
            if container == nil { options.fail("method", "'image' needs a container") }
            if given != nil, command != nil { options.fail("command", "only 'custom' takes a command") }
            return .image
        case .java:
            if command != nil { options.fail("command", "only 'custom' takes a command") }
            return .java
        case .custom:
            if command?.trimmingBlanks.isEmpty ?? true { options.fail("command", "required with method 'custom'") }
            return .custom(command ?? "")
        }
    }

    /// `HOST:PORT`, `HOST:` or `:PORT`.
    private func tunnel(_ options: inout ConfigurationSection, _ launch: LaunchShape) -> String? {
        guard let text = options.line("tunnel") else { return nil }
        if launch.transport == .websocket { options.fail("tunnel", "works with transport tcp only") }
        let port = text.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        let isPort = port.isEmpty || UInt16(port).map { $0 > 0 } ?? false
        if !text.contains(":") || text == ":" || !isPort || text.contains(where: \.isWhitespace) {
            options.fail("tunnel", "expected HOST:PORT, HOST: or :PORT, found '\(text)'")
        }
        return text
    }

    private func environment(_ section: inout ConfigurationSection) -> [LaunchShape.Variable] {
        let variables = section.map("env")
        for variable in variables {
            let isName = variable.name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "=") }
            if variable.name.isEmpty || !isName {
                section.fail("env", "expected a variable's name, found '\(variable.name)'")
            }
        }
        return variables.map { .init(name: $0.name, value: $0.value) }
    }

    private func downloads(_ section: inout ConfigurationSection) -> [LaunchShape.Download] {
        section.sections("uris").map { section in
            var section = section
            var download = LaunchShape.Download(value: section.requiredString("value"))
            if download.value.contains(where: \.isNewline) { section.fail("value", "expected one line") }
            download.isExecutable = section.bool("executable") ?? false
            download.isExtracted = section.bool("extract") ?? !download.isExecutable
            download.isCached = section.bool("cache") ?? false
            if download.isExecutable, download.isExtracted {
                section.fail("extract", "a file is either executable or extracted")
            }
            section.finish()
            return download
        }
    }

    private func workspace(_ template: inout ConfigurationSection, _ launch: inout LaunchShape) {
        var section = template.section("workspace")
        launch.separatesWorkspaces = section.bool("perAgent") ?? true
        launch.mountDeadline = section.duration("mountTimeout", in: .seconds(1) ... .seconds(3_600))
        if launch.mountDeadline != nil, launch.method == .image, launch.container?.keepsEntrypoint ?? true {
            section.fail(
                "mountTimeout",
                "the check is a part of the command; use launch.method java or custom, or keepEntrypoint: false")
        }
        section.finish()
    }
}
