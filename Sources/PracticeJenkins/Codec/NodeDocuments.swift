// Nodes as forms and config.xml describe them.
import XML

/// A node's configuration in its two spellings: the form's JSON and `config.xml`.
enum NodeDocuments {
    /// The `json` field of the node form.
    ///
    /// - Returns: `nil` if it is no JSON object. Values that make no sense are left for the controller to refuse.
    static func parse(json bytes: [UInt8], name: String) -> NodeConfiguration? {
        guard let form = JSONValue.parse(bytes), case .object = form else { return nil }
        var configuration = NodeConfiguration(name: name)
        configuration.description = form["nodeDescription"]?.text ?? ""
        configuration.executorCount = form["numExecutors"]?.text.flatMap { Int($0) } ?? 0
        configuration.remoteRoot = form["remoteFS"]?.text ?? ""
        configuration.labels = form["labelString"]?.text?.trimmingBlanks() ?? ""
        configuration.mode = form["mode"]?.text == "EXCLUSIVE" ? .exclusive : .normal
        return configuration
    }

    static func parse(xml bytes: [UInt8], name: String) throws(XMLError) -> NodeConfiguration {
        let root = try XMLElement.parse(bytes)
        guard root.name == "slave" || root.name == "hudson.slaves.DumbSlave" else {
            throw XMLError(reason: "expected <slave>, not <\(root.name)>", offset: 0)
        }
        var configuration = NodeConfiguration(name: name)
        if let own = root.childText("name"), !own.isEmpty { configuration.name = own }
        configuration.description = root.childText("description") ?? ""
        configuration.executorCount = root.childText("numExecutors").flatMap { Int($0) } ?? 0
        configuration.remoteRoot = root.childText("remoteFS") ?? ""
        configuration.labels = root.childText("label") ?? ""
        configuration.mode = root.childText("mode") == "EXCLUSIVE" ? .exclusive : .normal
        return configuration
    }

    static func xml(_ node: NodeConfiguration) -> String {
        let escape = XMLElement.escape
        return """
            <?xml version="1.1" encoding="UTF-8"?>
            <slave>
              <name>\(escape(node.name))</name>
              <description>\(escape(node.description))</description>
              <remoteFS>\(escape(node.remoteRoot))</remoteFS>
              <numExecutors>\(node.executorCount)</numExecutors>
              <mode>\(node.mode.rawValue)</mode>
              <retentionStrategy class="hudson.slaves.RetentionStrategy$Always"/>
              <launcher class="hudson.slaves.JNLPLauncher">
                <workDirSettings>
                  <disabled>false</disabled>
                  <internalDir>remoting</internalDir>
                  <failIfWorkDirIsMissing>false</failIfWorkDirIsMissing>
                </workDirSettings>
                <webSocket>false</webSocket>
              </launcher>
              <label>\(escape(node.labels))</label>
              <nodeProperties/>
            </slave>

            """
    }

    /// What an inbound agent is started from: the secret first, then the name.
    static func jnlp(_ node: NodeConfiguration, secret: String, root: String) -> String {
        let escape = XMLElement.escape
        let arguments = [
            secret, node.name, "-webSocket", "-workDir", node.remoteRoot, "-internalDir", "remoting", "-url", root,
        ]
        let lines = arguments.map { "    <argument>\(escape($0))</argument>" }.joined(separator: "\n")
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <jnlp codebase="\(escape(root))computer/\(escape(FormFields.encode(node.name)))/" spec="1.0+">
              <information><title>Agent for \(escape(node.name))</title><vendor>Jenkins project</vendor></information>
              <resources><jar href="\(escape(root))jnlpJars/remoting.jar"/></resources>
              <application-desc main-class="hudson.remoting.jnlp.Main">
            \(lines)
              </application-desc>
            </jnlp>

            """
    }
}
