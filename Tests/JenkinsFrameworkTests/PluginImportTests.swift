// Clouds of the Mesos plugin become configurations: every form it had, what cannot be carried over, and hostile files.
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct PluginImportTests {
    private static let package = "org.jenkinsci.plugins.mesos."

    private func run(_ xml: String, cloud: String? = nil) throws(ImportError) -> ImportedConfiguration {
        try PluginImport.run(Array(xml.utf8), cloud: cloud)
    }

    private func load(_ imported: ImportedConfiguration) throws -> JenkinsConfiguration {
        try JenkinsConfiguration.parse(imported.yaml, path: "imported")
    }

    private func failure(_ xml: String, cloud: String? = nil) -> String {
        do throws(ImportError) {
            _ = try run(xml, cloud: cloud)
            return "imported"
        } catch {
            return "\(error)"
        }
    }

    private func cloud(_ inner: String) -> String {
        """
        <?xml version='1.1' encoding='UTF-8'?>
        <hudson><version>2.60.3</version><clouds><\(Self.package)MesosCloud plugin="mesos@0.14.0">
        <name>MesosCloud</name>\(inner)</\(Self.package)MesosCloud></clouds></hudson>
        """
    }

    private func template(_ inner: String) -> String {
        let name = Self.package + "MesosSlaveInfo"
        return cloud("<master>m:5050</master><slaveInfos><\(name)>\(inner)</\(name)></slaveInfos>")
    }

    // MARK: - The generations

    @Test func `a cloud of 0_14 as the article had it`() throws {
        let info = Self.package + "MesosSlaveInfo"
        let imported = try run(
            cloud(
                """
                <nativeLibraryPath>/usr/lib/libmesos.so</nativeLibraryPath>
                <master>zk://z1:2181,z2:2181/mesos</master><description>the farm</description>
                <frameworkName>Jenkins Scheduler</frameworkName><role>ci</role><slavesUser>build</slavesUser>
                <credentialsId>abc</credentialsId><cloudID>1-2-3</cloudID><checkpoint>true</checkpoint>
                <onDemandRegistration>true</onDemandRegistration><jenkinsURL>http://ci.example.org/</jenkinsURL>
                <declineOfferDuration>600000</declineOfferDuration>
                <slaveInfos>
                  <\(info)>
                    <slaveCpus>0.1</slaveCpus><slaveMem>512</slaveMem><executorCpus>1.0</executorCpus>
                    <minExecutors>1</minExecutors><maxExecutors>2</maxExecutors><executorMem>1024</executorMem>
                    <remoteFSRoot>jenkins</remoteFSRoot><idleTerminationMinutes>3</idleTerminationMinutes>
                    <jvmArgs>-Xms16m -XX:+UseConcMarkSweepGC -Djava.net.preferIPv4Stack=true</jvmArgs>
                    <jnlpArgs>-noReconnect</jnlpArgs><defaultSlave>true</defaultSlave>
                    <slaveAttributes><properties class="map"><entry><string>rack</string><string>r1</string></entry>
                    </properties></slaveAttributes>
                    <containerInfo>
                      <type>DOCKER</type><dockerImage>registry/agent:1</dockerImage>
                      <volumes><\(info)_-Volume><containerPath>/cache</containerPath><hostPath>/srv/cache</hostPath>
                        <readOnly>true</readOnly></\(info)_-Volume></volumes>
                      <parameters><\(info)_-Parameter><key>cap-add</key><value>SYS_PTRACE</value></\(info)_-Parameter>
                      </parameters>
                      <networking>BRIDGE</networking>
                      <portMappings><\(info)_-PortMapping><containerPort>8080</containerPort><hostPort>31000</hostPort>
                        <protocol>tcp</protocol></\(info)_-PortMapping></portMappings>
                      <networkInfos/>
                      <useCustomDockerCommandShell>true</useCustomDockerCommandShell>
                      <customDockerCommandShell>-c</customDockerCommandShell>
                      <dockerPrivilegedMode>false</dockerPrivilegedMode>
                      <dockerForcePullImage>true</dockerForcePullImage>
                      <dockerImageCustomizable>false</dockerImageCustomizable>
                    </containerInfo>
                    <additionalURIs><\(info)_-URI><value>file:///etc/docker.tar.gz</value><executable>false</executable>
                      <extract>true</extract></\(info)_-URI></additionalURIs>
                    <mode>NORMAL</mode>
                    <nodeProperties>
                      <hudson.slaves.EnvironmentVariablesNodeProperty><envVars serialization="custom">
                        <unserializable-parents/><tree-map><default><comparator class="x"/></default><int>1</int>
                        <string>LANG</string><string>C.UTF-8</string></tree-map></envVars>
                      </hudson.slaves.EnvironmentVariablesNodeProperty>
                      <hudson.tools.ToolLocationNodeProperty><locations><hudson.tools.ToolLocationNodeProperty_-ToolLocation>
                        <type>hudson.plugins.git.GitTool$DescriptorImpl</type><name>Default</name><home>/usr/bin/git</home>
                      </hudson.tools.ToolLocationNodeProperty_-ToolLocation></locations></hudson.tools.ToolLocationNodeProperty>
                    </nodeProperties>
                    <labelString>mesos linux</labelString>
                  </\(info)>
                </slaveInfos>
                """))
        #expect(imported.problems.isEmpty, "\(imported.problems)\n\(imported.yaml)")
        let configuration = try load(imported)
        #expect(configuration.jenkins.url == "http://ci.example.org" && configuration.description == "the farm")
        #expect(configuration.mesos.roles.map(\.value) == ["ci"] && configuration.mesos.user == "build")
        #expect(configuration.planner.declineIdle == .seconds(600) && configuration.mesos.onDemandLinger == nil)
        let template = try #require(configuration.planner.templates.first)
        #expect(template.name == "mesos" && template.labels == ["mesos", "linux"] && template.servesUnlabelled)
        #expect("\(template.resources(executors: 2))" == "cpus:2.1;mem:2816")
        #expect(template.executorsMax == 2 && template.idleTimeout == .seconds(180) && template.remoteFS == "jenkins")
        #expect(template.attributes == ["rack": "r1"] && template.ports.map(\.host) == [31_000])
        let launch = try #require(configuration.launches["mesos"])
        #expect(launch.method == .java && launch.jvmArguments == "-Xms16m -Djava.net.preferIPv4Stack=true")
        #expect(launch.environment.map(\.value) == ["C.UTF-8"] && launch.downloads.count == 1)
        #expect(launch.toolLocations.map(\.key) == ["hudson.plugins.git.GitTool$DescriptorImpl@Default"])
        let container = try #require(launch.container)
        #expect(container.shell == ["-c"] && container.keepsEntrypoint && container.forcePull)
        #expect(container.volumes.map(\.isReadOnly) == [true] && container.parameters.map(\.key) == ["cap-add"])
        let notes = imported.notes.map(\.description).joined(separator: "\n")
        for part in [
            "dropped: cloud/nativeLibraryPath", "dropped: cloud/credentialsId", "dropped: cloud/cloudID",
            "changed: cloud/onDemandRegistration", "changed: template 'mesos'/jvmArgs: without -XX:+UseConcMarkSweepGC",
            "changed: template 'mesos'/jnlpArgs: without -noReconnect", "missing: cloud/user",
        ] {
            #expect(notes.contains(part), "\(part) in \(notes)")
        }
    }

    @Test func `1_x adds a disk, attributes as text, and Docker in Docker`() throws {
        let imported = try run(
            template(
                """
                <diskNeeded>2048.0</diskNeeded><slaveAttributesString>{"rack": "r1", "n": 2}</slaveAttributesString>
                <mode>EXCLUSIVE</mode><labelString>dind</labelString>
                <containerInfo><type>DOCKER</type><dockerImage>d</dockerImage><networking>USER</networking>
                <networkInfos><x><networkName>ci-net</networkName></x></networkInfos><isDind>true</isDind></containerInfo>
                """
            ))
        #expect(imported.problems.isEmpty, "\(imported.problems)")
        let configuration = try load(imported)
        let template = try #require(configuration.planner.templates.first)
        #expect(template.mode == .exclusive && template.attributes == ["rack": "r1", "n": "2"])
        #expect("\(template.disk)" == "2048")
        let container = try #require(configuration.launches["dind"]?.container)
        #expect(container.shell == ["/wrapdocker"] && container.isPrivileged && container.network == .user("ci-net"))
    }

    @Test func `2_x has totals, single use and fault domains`() throws {
        let spec = Self.package + "MesosAgentSpecTemplate"
        let imported = try run(
            cloud(
                """
                <master>http://m:5050</master><frameworkName>F</frameworkName><frameworkId>x</frameworkId>
                <agentUser>nobody</agentUser><role>*</role><jenkinsURL>http://ci/</jenkinsURL>
                <mesosAgentSpecTemplates>
                <\(spec)><label>linux</label><mode>EXCLUSIVE</mode><idleTerminationMinutes>1</idleTerminationMinutes>
                <reusable>false</reusable><cpus>0.5</cpus><mem>1000</mem><disk>0.0</disk><minExecutors>1</minExecutors>
                <maxExecutors>4</maxExecutors><jnlpArgs></jnlpArgs><agentAttributes>rack:r1,zone:z</agentAttributes>
                <agentCommandStyle>Linux</agentCommandStyle>
                <domainFilterModel class="\(Self.package)config.models.faultdomain.StringDomainFilter">
                <region>eu</region><zone>a</zone></domainFilterModel>
                <containerInfo><type>MESOS</type><dockerImage>amazoncorretto:8</dockerImage><networking>HOST</networking>
                <dockerPrivilegedMode>true</dockerPrivilegedMode></containerInfo></\(spec)>
                <\(spec)><label>linux big</label><reusable>true</reusable></\(spec)>
                </mesosAgentSpecTemplates>
                """))
        #expect(imported.problems.isEmpty, "\(imported.problems)\n\(imported.yaml)")
        let templates = try load(imported).planner.templates
        #expect(templates.map(\.name.value) == ["linux", "linux-2"])
        #expect(templates.map(\.singleUse) == [.yes, .no])
        #expect("\(templates[0].resources(executors: 1))" == "cpus:0.5;mem:1032")
        #expect(templates[0].domain == DomainWish(region: "eu", zone: "a"))
        #expect(templates[0].attributes == ["rack": "r1", "zone": "z"])
        #expect(try load(imported).launches["linux"]?.container?.kind == .mesos)
        #expect(imported.notes.contains { $0.place.hasSuffix("containerInfo/dockerPrivilegedMode") })
    }

    @Test func `an element nobody knows is named, and a cloud without anything still becomes a file that loads`() throws
    {
        let imported = try run(cloud("<surprise>1</surprise>"))
        #expect(imported.notes.contains { $0.kind == .dropped && $0.place == "cloud/surprise" })
        #expect(imported.notes.contains { $0.kind == .missing && $0.place == "cloud/master" })
        #expect(imported.problems.map(\.key) == ["templates"], "only kinds of agents cannot be made up")
    }

    @Test func `several clouds are told apart by name`() throws {
        let name = Self.package + "MesosCloud"
        let xml = "<clouds><\(name)><name>a</name></\(name)><\(name)><name>b</name></\(name)></clouds>"
        #expect(failure(xml) == "it has 2 clouds, 'a', 'b'; choose one with --cloud")
        #expect(failure(xml, cloud: "c") == "it has no cloud of that name; there are 'a', 'b'")
        #expect(failure(xml, cloud: "a") == "imported")
    }

    // MARK: - Hostile files

    @Test(arguments: [
        ("", "XML"), ("<a>", "XML"), ("<a/>", "no cloud of the Mesos plugin"),
        ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "document type declaration"),
        ("<a>&x;</a>", "unknown entity"), (String(repeating: "<a>", count: 10_000), "nest deeper"),
        ("<a b='1' b='2'/>", "twice"), ("\u{0}", "XML"),
    ])
    func `a file that is no cloud is a clear error`(xml: String, part: String) {
        #expect(failure(xml).contains(part), "\(failure(xml))")
    }

    @Test func `values that are no numbers, or hold YAML, stay values`() throws {
        let imported = try run(
            template(
                """
                <slaveCpus>many</slaveCpus><slaveMem>-1</slaveMem><maxExecutors>1e99</maxExecutors>
                <labelString>a: "b" #c\n- x</labelString><remoteFSRoot>/w\nevil: 1</remoteFSRoot>
                <containerInfo><dockerImage>${HOME}/x</dockerImage><networking>WIFI</networking>
                <volumes><v><containerPath>relative</containerPath></v></volumes>
                <portMappings><p><containerPort>99999</containerPort></p></portMappings></containerInfo>
                """))
        #expect(!imported.yaml.contains("\nevil: 1") && !imported.yaml.contains("\n- x"))
        for place in ["slaveCpus", "slaveMem", "maxExecutors", "networking", "volumes", "portMappings"] {
            #expect(imported.notes.contains { $0.place.hasSuffix("/" + place) }, "\(place)")
        }
        #expect(imported.yaml.contains("image: \"$${HOME}/x\""))
    }

    @Test func `attributes and a mode that cannot be read are named, not left out in silence`() throws {
        let imported = try run(template("<mode>WEIRD</mode><slaveAttributes>{broken</slaveAttributes>"))
        let notes = imported.notes.map { "\($0)" }
        #expect(notes.contains { $0.contains("slaveAttributes") && $0.contains("could not be read") }, "\(notes)")
        #expect(notes.contains { $0.contains("mode") && $0.contains("'WEIRD'") }, "\(notes)")
        let plain = try run(template("<mode>NORMAL</mode><slaveAttributes>{}</slaveAttributes>"))
        #expect(!plain.notes.contains { "\($0)".contains("slaveAttributes") || "\($0)".contains("mode") })
    }

    @Test func `a file that is too large is not read`() {
        do throws(ImportError) {
            _ = try PluginImport.run(Array(repeating: 0x20, count: PluginImport.bytesMax + 1))
            Issue.record("read")
        } catch {
            #expect("\(error)" == "larger than 16777216 bytes")
        }
    }
}
