// The fields of a line of progress in the log. An agent's task is named like its node, so `task_id` finds the task in the
// logs of masters and agents.
import Logging

extension ProgressLine {
    var fields: Logger.Metadata {
        var fields: Logger.Metadata = ["event": "\(kind)"]
        if let item { fields["item"] = "\(item)" }
        for (name, value) in [
            ("job", job), ("label", label), ("build", build), ("template", template), ("host", host),
            ("result", result), ("task_id", node),
        ] {
            if let value, !value.isEmpty { fields[name] = "\(value)" }
        }
        return fields
    }
}
