// Jobs as their config.xml describes them.
import XML

/// Reads a job's `config.xml`: freestyle projects, and pipelines in the practice controller's own notation.
///
/// A pipeline is a list of stages of steps, because interpreting Groovy is not what anyone practises here:
/// ```
/// <flow-definition><stages>
///   <stage><step><label>linux</label><command>make</command><seconds>2</seconds></step></stage>
/// </stages></flow-definition>
/// ```
/// Stages run one after the other, the steps of a stage side by side.
enum JobXML {
    static let stepsMax = 200

    static func parse(_ bytes: [UInt8]) throws(XMLError) -> JobConfiguration {
        let root = try XMLElement.parse(bytes)
        var configuration = JobConfiguration(
            kind: try kind(of: root), xml: String(decoding: bytes, as: UTF8.self))
        configuration.description = root.childText("description") ?? ""
        configuration.isDisabled = root.childText("disabled") == "true"
        let assigned = root.childText("assignedNode") ?? ""
        if root.childText("canRoam") != "true", !assigned.isEmpty { configuration.label = assigned }
        configuration.allowsConcurrentBuilds =
            configuration.isPipeline
            ? root.descendants(
                named: "org.jenkinsci.plugins.workflow.job.properties.DisableConcurrentBuildsJobProperty"
            )
            .isEmpty
            : root.childText("concurrentBuild") == "true"
        configuration.parameters = root.descendants(named: "parameterDefinitions").flatMap(\.children).compactMap(
            parameter)
        return configuration
    }

    private static func kind(of root: XMLElement) throws(XMLError) -> JobConfiguration.Kind {
        switch root.name {
        case "project":
            let shells = root["builders"]?.children.filter { $0.name == "hudson.tasks.Shell" } ?? []
            return .freestyle(commands: shells.compactMap { $0["command"]?.text })
        case "flow-definition":
            var stages: [[PipelineStep]] = []
            for stage in root.descendants(named: "stage") {
                var steps: [PipelineStep] = []
                for step in stage.children where step.name == "step" { steps.append(try self.step(step)) }
                if !steps.isEmpty { stages.append(steps) }
            }
            guard stages.joined().count <= stepsMax else {
                throw XMLError(reason: "more than \(stepsMax) pipeline steps", offset: 0)
            }
            return .pipeline(stages: stages)
        default:
            throw XMLError(reason: "no such kind of job: '\(root.name)'", offset: 0)
        }
    }

    private static func step(_ element: XMLElement) throws(XMLError) -> PipelineStep {
        let label = element.childText("label") ?? ""
        let secondsText = element.childText("seconds") ?? "0"
        guard let seconds = Int(secondsText), (0...86_400).contains(seconds) else {
            throw XMLError(reason: "<seconds> must be a whole number up to 86400, not '\(secondsText)'", offset: 0)
        }
        return PipelineStep(
            label: label.isEmpty ? nil : label, command: element["command"]?.text ?? "true", seconds: seconds)
    }

    private static func parameter(_ element: XMLElement) -> ParameterDefinition? {
        guard let name = element.childText("name"), !name.isEmpty else { return nil }
        let kind: ParameterDefinition.Kind =
            element.name.hasSuffix("LabelParameterDefinition")
            ? .label : element.name.hasSuffix("NodeParameterDefinition") ? .node : .string
        let value = element.childText("defaultValue") ?? element["defaultParameterValue"]?.childText("value") ?? ""
        return ParameterDefinition(kind: kind, name: name, defaultValue: value)
    }
}
