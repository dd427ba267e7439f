// The variables a task sees.

import Foundation
import MesosProtocol
import Resources

/// Environment variables in order; a later value of the same name replaces an earlier one.
package struct TaskEnvironment: Hashable, Sendable {
    private var names: [String] = []
    private var values: [String: String] = [:]

    package init() {}

    package mutating func set(_ name: String, _ value: String) {
        if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }

    /// Adds what the task's command asks for. A secret given by value counts; one given by reference cannot be resolved.
    package mutating func add(_ command: V1CommandInfo) {
        for variable in command.environment.variables {
            switch variable.type {
            case .secret: set(variable.name, String(decoding: variable.secret.value.data, as: UTF8.self))
            case .value, .unknown: set(variable.name, variable.value)
            }
        }
    }

    /// `NAME=value`, in order.
    package var entries: [String] { names.map { "\($0)=\(values[$0] ?? "")" } }
}
