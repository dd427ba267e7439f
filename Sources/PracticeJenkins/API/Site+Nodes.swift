// The pages of nodes.
import XML

/// The pages of nodes.
extension Site {
    mutating func computerPage(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        let segments = exchange.segments
        switch (segments.count, segments.count > 1 ? segments[1] : "") {
        case (1, _): return .page("Nodes [Jenkins]")
        case (3, "api"): return exchange.render(nodeBeans(exchange).computers(), flavour: segments[2])
        case (2, "doCreateItem"):
            // The verb is part of the routing here, so a GET finds nothing.
            return exchange.isPost ? createNode(exchange, &effects) : .notFound
        case (2, "createItem"): return createNodeFromXML(exchange, &effects)
        case (_, "(built-in)"), (_, "(master)"):
            if segments.count == 2 { return .page(Explanation.builtInName) }
            guard segments.count == 4, segments[2] == "api" else { return .notFound }
            return exchange.render(nodeBeans(exchange).builtIn(), flavour: segments[3])
        default:
            guard let node = controller.nodes[segments[1]] else { return .notFound }
            return nodePage(node, exchange, &effects)
        }
    }

    private mutating func createNode(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        if let refusal = missing(.agentCreate, exchange) { return refusal }
        guard let name = exchange.parameter("name") else { return .failure(400, "Query parameter 'name' is required") }
        guard let type = exchange.parameter("type"), type.hasPrefix("hudson.slaves.DumbSlave") else {
            return .failure(400, "No mode given")
        }
        guard let json = exchange.parameter("json"),
            let configuration = NodeDocuments.parse(json: Array(json.utf8), name: name)
        else { return .failure(400, "The 'json' field is not a JSON object") }
        return perform(.nodeCreationRequested(configuration), at: exchange.now, &effects) { _ in
            .redirect(to: "\(exchange.root)computer/")
        }
    }

    private mutating func createNodeFromXML(_ exchange: Exchange, _ effects: inout [ControllerEffect]) -> Answer {
        guard exchange.isPost else { return .postRequired }
        guard version >= ControllerVersion(2, 539) else { return .failure(400, "No mode given") }
        if let refusal = missing(.agentCreate, exchange) { return refusal }
        guard let name = exchange.parameter("name") else { return .failure(400, "Query parameter 'name' is required") }
        do throws(XMLError) {
            var configuration = try NodeDocuments.parse(xml: exchange.body, name: name)
            configuration.name = name
            return perform(.nodeCreationRequested(configuration), at: exchange.now, &effects) { _ in .accepted }
        } catch {
            return .failure(400, "\(error)")
        }
    }

    private mutating func nodePage(
        _ node: Node, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        let segments = exchange.segments
        switch (segments.count, segments.count > 2 ? segments[2] : "") {
        case (2, _): return .page("\(node.name) [Jenkins]")
        case (4, "api"): return exchange.render(nodeBeans(exchange).computer(node), flavour: segments[3])
        case (6, "executors") where segments[4] == "api":
            guard let index = Int(segments[3]), node.executors.indices.contains(index) else { return .notFound }
            return exchange.render(nodeBeans(exchange).executor(index, of: node), flavour: segments[5])
        case (5, "executors") where segments[4] == "stop":
            guard exchange.isPost else { return .postRequired }
            if let refusal = missing(.jobCancel, exchange) { return refusal }
            let index = Int(segments[3]) ?? -1
            let event = ControllerEvent.executorStopRequested(node: node.name, executor: index)
            return perform(event, at: exchange.now, &effects) { _ in .redirect(to: "\(exchange.root)computer/") }
        case (3, "config.xml"): return nodeConfiguration(node, exchange, &effects)
        case (3, "jenkins-agent.jnlp"), (3, "slave-agent.jnlp"): return jnlp(node, exchange)
        case (3, let action): return nodeAction(action, node, exchange, &effects)
        default: return .notFound
        }
    }

    private mutating func nodeAction(
        _ action: String, _ node: Node, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        let message = exchange.parameter("offlineMessage") ?? ""
        let user = exchange.principal.name
        var target = "\(exchange.root)computer/\(FormFields.encode(node.name))/"
        let permission: PracticePermission
        let event: ControllerEvent
        switch action {
        case "doDelete":
            (permission, event) = (.agentDelete, .nodeDeletionRequested(name: node.name))
            target = "\(exchange.root)computer/"
        case "toggleOffline":
            permission = node.drain == nil ? .agentDisconnect : .agentConnect
            event = .drainToggleRequested(node: node.name, message: message, user: user)
        case "changeOfflineCause":
            (permission, event) =
                (.agentDisconnect, .drainRequested(node: node.name, message: message, user: user))
        case "doDisconnect":
            (permission, event) = (.agentDisconnect, .disconnectionRequested(node: node.name, message: message))
        default: return .notFound
        }
        guard exchange.isPost else { return .postRequired }
        if let refusal = missing(permission, exchange) { return refusal }
        let location = target
        return perform(event, at: exchange.now, &effects) { _ in .redirect(to: location) }
    }

    private mutating func nodeConfiguration(
        _ node: Node, _ exchange: Exchange, _ effects: inout [ControllerEffect]
    ) -> Answer {
        guard exchange.isPost else {
            let allowed = access.allows(exchange.principal, .agentExtendedRead)
            if !allowed, let refusal = missing(.agentConfigure, exchange) { return refusal }
            let xml = NodeDocuments.xml(node.configuration)
            return .bytes(Array(xml.utf8), contentType: "application/xml")
        }
        if let refusal = missing(.agentConfigure, exchange) { return refusal }
        do throws(XMLError) {
            let configuration = try NodeDocuments.parse(xml: exchange.body, name: node.name)
            let event = ControllerEvent.nodeChangeRequested(name: node.name, configuration)
            return perform(event, at: exchange.now, &effects) { _ in .accepted }
        } catch {
            return .failure(400, "\(error)")
        }
    }

    private func jnlp(_ node: Node, _ exchange: Exchange) -> Answer {
        if exchange.segments[2] == "jenkins-agent.jnlp", version < ControllerVersion(2, 264) { return .notFound }
        if exchange.parameter("encrypt") == "true" {
            return .failure(501, "The practice controller hands out agent files in plain text only")
        }
        if let refusal = missing(.agentConnect, exchange) { return refusal }
        let text = NodeDocuments.jnlp(
            node.configuration, secret: controller.secret(ofNode: node.name), root: exchange.root)
        return .bytes(Array(text.utf8), contentType: "application/x-java-jnlp-file")
    }
}
