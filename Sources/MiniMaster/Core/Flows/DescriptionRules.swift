// Rules for the parts of a task's description: commands, containers, checks.
import MesosProtocol

enum CommandRules {
    static func fault(in command: V1CommandInfo) -> String? {
        for variable in command.environment.variables {
            switch variable.type {
            case .value where !variable.hasValue:
                return "Environment variable '\(variable.name)' of type 'VALUE' must have a value set"
            case .secret where !variable.hasSecret:
                return "Environment variable '\(variable.name)' of type 'SECRET' must have a secret set"
            case .secret where variable.hasValue:
                return "Environment variable '\(variable.name)' of type 'SECRET' must not have a value set"
            case .unknown: return "Environment variable of type 'UNKNOWN' is not allowed"
            case .value, .secret: continue
            }
        }
        return nil
    }
}

enum ContainerRules {
    static func fault(in container: V1ContainerInfo) -> String? {
        for volume in container.volumes {
            let sources = [volume.hasHostPath, volume.hasImage, volume.hasSource].filter { $0 }.count
            if sources > 1 {
                return "Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'"
            }
        }
        guard container.type == .docker else { return nil }
        if !container.hasDocker { return "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo" }
        if container.docker.parameters.contains(where: { $0.key == "name" }) {
            return "Parameter in DockerInfo must not be 'name'"
        }
        return nil
    }
}

enum CheckRules {
    static func fault(in check: V1CheckInfo) -> String? {
        guard check.hasType else { return "CheckInfo must specify 'type'" }
        switch check.type {
        case .unknown: return "'UNKNOWN' is not a valid check type"
        case .command:
            if !check.hasCommand { return "Expecting 'command' to be set for COMMAND check" }
            if let fault = commandFault(check.command.command) {
                return "Check's `CommandInfo` is invalid: \(fault)"
            }
        case .http:
            if !check.hasHTTP { return "Expecting 'http' to be set for HTTP check" }
            if let fault = pathFault(check.http.hasPath ? check.http.path : nil) { return fault }
        case .tcp:
            if !check.hasTcp { return "Expecting 'tcp' to be set for TCP check" }
        }
        return numberFault([
            ("delay_seconds", check.delaySeconds), ("interval_seconds", check.intervalSeconds),
            ("timeout_seconds", check.timeoutSeconds),
        ])
    }

    static func fault(in check: V1HealthCheck) -> String? {
        let kind: V1HealthCheck.TypeEnum =
            check.hasType ? check.type : check.hasCommand ? .command : check.hasHTTP ? .http : .unknown
        switch kind {
        case .unknown: return "HealthCheck must specify 'type'"
        case .command:
            if !check.hasCommand { return "Expecting 'command' to be set for COMMAND health check" }
            if let fault = commandFault(check.command) {
                return "Health check's `CommandInfo` is invalid: \(fault)"
            }
        case .http:
            if !check.hasHTTP { return "Expecting 'http' to be set for HTTP health check" }
            if check.http.hasScheme, check.http.scheme != "http", check.http.scheme != "https" {
                return "Unsupported HTTP health check scheme: '\(check.http.scheme)'"
            }
            if let fault = pathFault(check.http.hasPath ? check.http.path : nil) { return fault }
        case .tcp:
            if !check.hasTcp { return "Expecting 'tcp' to be set for TCP health check" }
        }
        return numberFault([
            ("delay_seconds", check.delaySeconds), ("interval_seconds", check.intervalSeconds),
            ("timeout_seconds", check.timeoutSeconds), ("grace_period_seconds", check.gracePeriodSeconds),
        ])
    }

    private static func commandFault(_ command: V1CommandInfo) -> String? {
        if !command.hasValue { return command.shell ? "Shell command is not specified" : "Executable is not specified" }
        return CommandRules.fault(in: command)
    }

    private static func pathFault(_ path: String?) -> String? {
        guard let path, !path.hasPrefix("/") else { return nil }
        return "The path '\(path)' of HTTP check must start with '/'"
    }

    private static func numberFault(_ fields: [(name: String, value: Double)]) -> String? {
        fields.first { !($0.value >= 0) }.map { "Expecting '\($0.name)' to be non-negative" }
    }
}
