/// The build queue as the REST API shows it.
struct QueueBeans {
    var jobs: JobBeans
    var locale: ControllerLocale
    /// False: items of jobs the user may not read are missing.
    var canReadJobs = true
    var canDiscoverJobs = true

    private var controller: Controller { jobs.controller }

    func queue() -> Bean {
        var bean = Bean("hudson.model.Queue")
        bean.addBeans("discoverableItems", discoverableItems())
        bean.addBeans("items", inline: true, canReadJobs ? controller.queue.listed.map(item) : [])
        return bean
    }

    /// Only names, for users with Discover but not Read.
    private func discoverableItems() -> [Bean] {
        guard !canReadJobs, canDiscoverJobs else { return [] }
        return controller.queue.listed.map { item in
            var task = Bean(nil)
            task.add("name", visibility: 3, .string(item.jobName))
            var stub = Bean("hudson.model.Queue$StubItem")
            stub.addBean("task", visibility: 2, task)
            return stub
        }
    }

    func item(_ item: QueueItem) -> Bean {
        var bean = Bean("hudson.model.Queue$\(Self.kind(item.state))")
        bean.add("actions", visibility: 2, JobBeans.actions(item.parameters, item.cause))
        let (blocked, buildable) = (Self.isBlocked(item.state), item.buildableSince != nil)
        bean.add("blocked", .bool(blocked))
        bean.add("buildable", .bool(buildable))
        bean.add("id", .integer(item.id))
        bean.add("inQueueSince", .integer(item.queuedAt.milliseconds))
        bean.add("params", .string(item.parameters.map { "\n\($0.name)=\($0.value)" }.joined()))
        bean.add("stuck", .bool(controller.isStuck(item, at: jobs.now)))
        bean.addBean("task", task(item))
        bean.add("url", .string("queue/item/\(item.id)/"))
        bean.add("why", .optional(controller.explanation(of: item, at: jobs.now)?.text(locale)))
        switch item.state {
        case .waiting(let until):
            bean.add("timestamp", .integer(until.milliseconds))
        case .blocked(let since), .buildable(let since), .pending(let since, _, _, _):
            bean.add("buildableStartMilliseconds", .integer(since.milliseconds))
            if buildable { bean.add("pending", .bool(item.isPending)) }
        case .left(_, let number):
            bean.add("cancelled", .bool(number == nil))
            bean.addBean("executable", executable(item, number))
        }
        return bean
    }

    private func executable(_ item: QueueItem, _ number: Int?) -> Bean? {
        guard let number, let build = controller.jobs[item.jobName]?.build(number) else { return nil }
        var reference = jobs.reference(build)
        reference.properties = reference.properties.map { property in
            var visible = property
            visible.visibility = 3
            return visible
        }
        return reference
    }

    private func task(_ item: QueueItem) -> Bean {
        switch item.task {
        case .job(let name):
            guard let job = controller.jobs[name] else {
                var bean = Bean("hudson.model.FreeStyleProject")
                bean.add("name", visibility: 3, .string(name))
                return bean
            }
            return jobs.job(job)
        case .step(let key):
            // The placeholder has no label field and names the run, not the job.
            var bean = Bean("org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask")
            bean.add("fullDisplayName", .string("part of \(key.job) #\(key.number)"))
            bean.add("name", visibility: 3, .string("part of \(key.job) #\(key.number)"))
            bean.add("url", visibility: 3, .string("job/\(FormFields.encode(key.job))/\(key.number)/"))
            return bean
        }
    }

    private static func kind(_ state: QueueItem.State) -> String {
        switch state {
        case .waiting: "WaitingItem"
        case .blocked: "BlockedItem"
        case .buildable, .pending: "BuildableItem"
        case .left: "LeftItem"
        }
    }

    private static func isBlocked(_ state: QueueItem.State) -> Bool {
        if case .blocked = state { return true }
        return false
    }
}
