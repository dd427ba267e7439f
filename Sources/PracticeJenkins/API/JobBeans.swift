/// Jobs and builds as the REST API shows them.
struct JobBeans {
    var controller: Controller
    var root: String
    var now: PracticeTime

    func url(_ job: String) -> String { "\(root)job/\(FormFields.encode(job))/" }

    func url(_ job: String, _ number: Int) -> String { "\(url(job))\(number)/" }

    static func className(_ configuration: JobConfiguration) -> String {
        configuration.isPipeline ? "org.jenkinsci.plugins.workflow.job.WorkflowJob" : "hudson.model.FreeStyleProject"
    }

    static func buildClassName(_ build: Build) -> String {
        build.isPipeline ? "org.jenkinsci.plugins.workflow.job.WorkflowRun" : "hudson.model.FreeStyleBuild"
    }

    func color(_ job: Job) -> String {
        if job.configuration.isDisabled { return "disabled" }
        let color =
            switch job.builds.last(where: { !$0.isBuilding })?.result {
            case .success: "blue"
            case .failure: "red"
            case .aborted: "aborted"
            case nil: "notbuilt"
            }
        return controller.isBuilding(job.name) ? color + "_anime" : color
    }

    func job(_ job: Job) -> Bean {
        let configuration = job.configuration
        var bean = Bean(Self.className(configuration))
        bean.addBeans("actions", visibility: 2, [])
        bean.add("description", .string(configuration.description))
        bean.add("displayName", .string(job.name))
        bean.add("displayNameOrNull", .null)
        bean.add("fullDisplayName", .string(job.name))
        bean.add("fullName", visibility: 3, .string(job.name))
        bean.add("name", visibility: 3, .string(job.name))
        bean.add("url", visibility: 3, .string(url(job.name)))
        bean.add("buildable", .bool(!configuration.isDisabled))
        // Jenkins lists the newest hundred here and all of them only under `allBuilds`.
        bean.addBeans("builds", job.builds.suffix(100).reversed().map(build))
        bean.addBeans("allBuilds", visibility: 0, job.builds.reversed().map(build))
        bean.add("color", visibility: 2, .string(color(job)))
        bean.addBean("firstBuild", job.builds.first.map(build))
        bean.addBeans("healthReport", [])
        bean.add("inQueue", .bool(queued(job) != nil))
        bean.add("keepDependencies", .bool(false))
        let last = { (matches: (Build) -> Bool) in job.builds.last(where: matches).map(build) }
        bean.addBean("lastBuild", last { _ in true })
        bean.addBean("lastCompletedBuild", last { !$0.isBuilding })
        bean.addBean("lastFailedBuild", last { $0.result == .failure })
        bean.addBean("lastStableBuild", last { $0.result == .success })
        bean.addBean("lastSuccessfulBuild", last { $0.result == .success })
        bean.addBean("lastUnstableBuild", nil)
        bean.addBean("lastUnsuccessfulBuild", last { $0.result == .failure || $0.result == .aborted })
        bean.add("nextBuildNumber", .integer(job.nextBuildNumber))
        bean.addBeans("property", properties(configuration))
        bean.addBean("queueItem", queued(job).map { QueueBeans(jobs: self, locale: .english).item($0) })
        bean.add("concurrentBuild", .bool(configuration.allowsConcurrentBuilds))
        bean.add("disabled", .bool(configuration.isDisabled))
        if !configuration.isPipeline {
            bean.addBeans("downstreamProjects", [])
            bean.add("labelExpression", .optional(configuration.label))
            bean.addBeans("upstreamProjects", [])
        }
        return bean
    }

    private func queued(_ job: Job) -> QueueItem? { controller.queue.items.first { $0.task == .job(job.name) } }

    private func properties(_ configuration: JobConfiguration) -> [Bean] {
        guard !configuration.parameters.isEmpty else { return [] }
        var bean = Bean("hudson.model.ParametersDefinitionProperty")
        bean.add(
            "parameterDefinitions", visibility: 2,
            .array(
                configuration.parameters.map { definition in
                    .members([
                        "_class": .string("\(Self.parameterClass(definition.kind))Definition"),
                        "defaultParameterValue": .members([
                            "_class": .string("\(Self.parameterClass(definition.kind))Value"),
                            "name": .string(definition.name), "value": .string(definition.defaultValue),
                        ]),
                        "description": .string(""), "name": .string(definition.name),
                        "type": .string("StringParameterDefinition"),
                    ])
                }))
        return [bean]
    }

    static func parameterClass(_ kind: ParameterDefinition.Kind) -> String {
        switch kind {
        case .string: "hudson.model.StringParameter"
        case .label: "org.jvnet.jenkins.plugins.nodelabelparameter.LabelParameter"
        case .node: "org.jvnet.jenkins.plugins.nodelabelparameter.NodeParameter"
        }
    }

    func build(_ build: Build) -> Bean {
        let job = controller.jobs[build.job]
        var bean = Bean(Self.buildClassName(build))
        bean.add("actions", visibility: 2, Self.actions(build.parameters, build.cause))
        bean.add("artifacts", .array([]))
        bean.add("building", .bool(build.isBuilding))
        bean.add("description", .null)
        bean.add("displayName", .string("#\(build.number)"))
        let duration = build.endedAt.map { $0.milliseconds(since: build.startedAt) } ?? 0
        bean.add("duration", .integer(duration))
        bean.add("estimatedDuration", .integer(job?.estimatedMilliseconds ?? -1))
        bean.addBean("executor", nil)
        bean.add("fullDisplayName", .string("\(build.job) #\(build.number)"))
        bean.add("id", .string("\(build.number)"))
        bean.add("inProgress", .bool(build.isBuilding))
        bean.add("keepLog", .bool(false))
        bean.add("number", visibility: 2, .integer(build.number))
        bean.add("queueId", .integer(build.queueID))
        bean.add("result", .optional(build.result?.rawValue))
        bean.add("timestamp", .integer(build.startedAt.milliseconds))
        bean.add("url", visibility: 2, .string(url(build.job, build.number)))
        if build.isPipeline {
            bean.add("changeSets", .array([]))
        } else {
            bean.add("builtOn", .string(build.nodeName))
            bean.add(
                "changeSet",
                .members(["_class": .string("hudson.scm.EmptyChangeLogSet"), "items": .array([]), "kind": .null]))
        }
        bean.add("culprits", .array([]))
        bean.addBean("nextBuild", job?.build(build.number + 1).map(reference))
        bean.addBean("previousBuild", job?.build(build.number - 1).map(reference))
        return bean
    }

    func reference(_ build: Build) -> Bean {
        var bean = Bean(Self.buildClassName(build))
        bean.add("number", visibility: 2, .integer(build.number))
        bean.add("url", visibility: 2, .string(url(build.job, build.number)))
        return bean
    }

    /// The actions of a build or a queue item: who started it, and with which parameters.
    static func actions(_ parameters: [ParameterValue], _ cause: BuildCause) -> JSONValue {
        var actions: [JSONValue] = []
        if !parameters.isEmpty {
            let values = parameters.map { parameter -> JSONValue in
                var members: [JSONValue.Member] = [
                    .init(name: "_class", value: .string("\(parameterClass(parameter.kind))Value")),
                    .init(name: "name", value: .string(parameter.name)),
                    .init(name: "value", value: .string(parameter.value)),
                ]
                if parameter.kind == .label { members.append(.init(name: "label", value: .string(parameter.value))) }
                return .object(members)
            }
            actions.append(
                .members(["_class": .string("hudson.model.ParametersAction"), "parameters": .array(values)]))
        }
        let causeValue: JSONValue
        switch cause {
        case .user(let name):
            causeValue = .members([
                "_class": .string("hudson.model.Cause$UserIdCause"),
                "shortDescription": .string("Started by \(cause.text)"), "userId": .string(name),
                "userName": .string(name),
            ])
        case .restartedStep:
            causeValue = .members([
                "_class": .string("hudson.model.Cause"), "shortDescription": .string("Started by \(cause.text)"),
            ])
        }
        actions.append(.members(["_class": .string("hudson.model.CauseAction"), "causes": .array([causeValue])]))
        return .array(actions)
    }
}
