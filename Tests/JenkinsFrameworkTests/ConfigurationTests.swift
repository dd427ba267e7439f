// The configuration file: what it may say, and every error of it at once with its line.
import MasterDetection
import Resources
import Testing

@testable import JenkinsFramework

@Suite struct ConfigurationTests {
    private func load(_ text: String) throws(ConfigurationError) -> JenkinsConfiguration {
        try JenkinsConfiguration.parse(text, path: "jf.yaml")
    }

    private func problems(_ text: String) -> String {
        do throws(ConfigurationError) {
            _ = try load(text)
            return "no problems"
        } catch {
            return "\(error)"
        }
    }

    private let least = """
        stateDir: /var/lib/jf
        jenkins: {url: "http://ci:8080/"}
        mesos: {master: "zk://z1:2181,z2:2181/mesos"}
        templates:
          - name: linux
            container: {}
        """

    @Test func `the least configuration has the documented defaults`() throws {
        let configuration = try load(least)
        #expect(configuration.jenkins.url == "http://ci:8080")
        #expect(configuration.jenkins.agentURL == "http://ci:8080")
        #expect(configuration.jenkins.secret == .none)
        #expect(configuration.mesos.frameworkName == "Jenkins Scheduler")
        #expect(configuration.mesos.roles == [.any])
        #expect(configuration.mesos.failoverTimeout == .seconds(604_800))
        #expect(configuration.mesos.checkpoint)
        #expect(configuration.planner.agentsMax == 200)
        #expect(configuration.planner.beacons == .pair)
        let template = try #require(configuration.planner.templates.first)
        #expect(template.labels == ["linux"] && template.mode == .exclusive && template.singleUse == .no)
        #expect(template.idleTimeout == .seconds(180) && template.agentsMax == 50)
        // 0.1 + 0.1 CPUs; 1.1 x (512 + 128) MiB.
        #expect("\(template.resources(executors: 1))" == "cpus:0.2;mem:704")
        let launch = try #require(configuration.launches["linux"])
        #expect(launch.method == .image && launch.transport == .websocket)
        #expect(launch.container?.image == "jenkins/inbound-agent")
    }

    @Test func `a full configuration is read key by key`() throws {
        let configuration = try load(
            """
            stateDir: /s
            description: our farm
            jenkins: {url: "https://ci.example.org/jenkins", agentUrl: "http://10.0.0.1:8080", user: mesos,
                      tokenFile: /etc/jf/token, pollInterval: 1s, idlePollInterval: 5s, labelBeacons: off}
            mesos: {master: "10.0.0.2:5050", frameworkName: J, roles: [ci, ci/fast], user: build, principal: jenkins,
                    secretFile: /etc/jf/secret, frameworkId: fw-9, checkpoint: false, failoverTimeout: 1h,
                    declineDuration: 2m, declineShort: 1s, reconnectBackoff: 1s..30s}
            limits: {maxAgents: 9, maxPendingAgents: 8, maxLaunchesPerMinute: 7}
            agents: {connectTimeout: 90s, launchTimeout: 30s, lostGrace: 10s, restartGrace: 5s}
            status: {ip: 0.0.0.0, port: 8181}
            templates:
              - name: mesos
                labels: mesos linux "two words"
                default: true
                agentCpus: 0.5
                executorCpus: 1
                agentMemMb: 100
                executorMemMb: 200
                memOverhead: 0
                diskMb: 50
                minExecutors: 2
                maxExecutors: 4
                remoteFs: /work
                idleTimeout: 0
                maxAgents: 3
                priority: -2
                connectTimeout: 10s
                attributes: {rack: r1, cores: 8}
                env: {B: two, A: one}
                jvmArgs: -Xss1m
                agentArgs: -noCertificateCheck
                launch: {method: java, transport: tcp, reconnect: 1d, tunnel: "h:1"}
                container: {type: docker, image: "img:1", privileged: true, forcePull: true, network: "user:ci",
                            volumes: [{containerPath: /c, hostPath: /h, mode: ro}, {containerPath: /d}],
                            parameters: [{key: init, value: "true"}]}
              - {name: once, singleUse: true, cpus: 2, memMb: 300, launch: {command: ./agent.sh}}
            """)
        #expect(configuration.jenkins.agentURL == "http://10.0.0.1:8080")
        #expect(configuration.jenkins.secret == .tokenFile("/etc/jf/token"))
        #expect(configuration.mesos.master == .address(host: "10.0.0.2", port: 5050))
        #expect(configuration.mesos.roles.map(\.value) == ["ci", "ci/fast"])
        #expect(configuration.mesos.frameworkID == "fw-9")
        #expect(configuration.mesos.reconnectMin == .seconds(1) && configuration.mesos.reconnectMax == .seconds(30))
        #expect(configuration.planner.declineIdle == .seconds(120) && configuration.planner.restartGrace == .seconds(5))
        #expect(configuration.status == .init(host: "0.0.0.0", port: 8181))
        let template = configuration.planner.templates[0]
        #expect(template.labels == ["mesos", "linux", "two words"])
        #expect(template.servesUnlabelled && template.mode == .normal && template.idleTimeout == nil)
        #expect(template.attributes == ["rack": "r1", "cores": "8"])
        #expect("\(template.resources(executors: 4))" == "cpus:4.5;mem:900;disk:50")
        let launch = try #require(configuration.launches["mesos"])
        #expect(launch.method == .java && launch.transport == .tcp && launch.reconnect == .seconds(86_400))
        #expect(launch.environment.map(\.name) == ["A", "B"])
        #expect(launch.container?.network == .user("ci"))
        #expect(launch.container?.volumes.map(\.isReadOnly) == [true, false])
        let once = configuration.planner.templates[1]
        #expect(once.singleUse == .yes && "\(once.resources(executors: 1))" == "cpus:2;mem:300")
        #expect(configuration.launches["once"]?.method == .custom("./agent.sh"))
        #expect(configuration.launches["once"]?.container == nil)
    }

    @Test func `all errors are told at once with line, key and the nearest known key`() {
        let text = """
            stateDir: ""
            jenkins:
              url: ci.example.org
              tokenFile: /t
              passwordFile: /p
              pollIntervall: 1s
            mesos:
              master: nonsense
              failoverTimeout: soon
              roles: [ci, "a b", ci]
            limits: {maxAgents: many}
            templates:
              - name: linux
                imagee: x
                singleUse: true
                maxExecutors: 3
                minIdle: -2
                container:
                  imaeg: busybox
                  network: wifi
                  ports: [{container: 80, host: 0}]
                  forcePul: true
              - name: linux
                mode: exclusive
                default: true
                cpus: -1
                launch: {method: image}
            maxAgents: 3
            surprise: 1
            """
        #expect(
            problems(text) == """
                jf.yaml:1: stateDir: must not be empty
                jf.yaml:3: jenkins.url: expected http://HOST[:PORT][/PATH] or https://..., found 'ci.example.org'
                jf.yaml:5: jenkins.passwordFile: give either tokenFile or passwordFile
                jf.yaml:6: jenkins.pollIntervall: unknown key; did you mean 'pollInterval'?
                \(problemOfMaster)
                jf.yaml:9: mesos.failoverTimeout: expected a duration such as 250ms, 30s, 5m, 2h or 7d, found 'soon'
                \(problemsOfRoles)
                jf.yaml:11: limits.maxAgents: expected a whole number from 1 to 10000, found 'many'
                jf.yaml:14: templates[0].imagee: unknown key
                jf.yaml:16: templates[0].maxExecutors: a single-use agent has one executor
                jf.yaml:17: templates[0].minIdle: expected a whole number from 0 to 1000, found '-2'
                jf.yaml:19: templates[0].container.imaeg: unknown key; did you mean 'image'?
                jf.yaml:20: templates[0].container.network: expected bridge, host, none or user:NAME, found 'wifi'
                jf.yaml:21: templates[0].container.ports[0].host: expected a whole number from 1 to 65535, found '0'
                jf.yaml:22: templates[0].container.forcePul: unknown key; did you mean 'forcePull'?
                jf.yaml:23: templates[1].name: another template's name is the same in its first 20 letters and digits
                jf.yaml:25: templates[1].default: a default template needs mode normal: builds without a label skip exclusive nodes
                jf.yaml:26: templates[1].cpus: expected CPUs, 0 or more, found '-1'
                jf.yaml:27: templates[1].launch.method: 'image' needs a container
                jf.yaml:28: maxAgents: unknown key; it belongs under 'limits'
                jf.yaml:29: surprise: unknown key
                """)
    }

    private var problemOfMaster: String {
        do throws(MasterLocationError) {
            _ = try MasterLocation.parse("nonsense")
            return ""
        } catch {
            return "jf.yaml:8: mesos.master: \(error)"
        }
    }

    private var problemsOfRoles: String {
        do throws(RoleNameError) {
            _ = try RoleName("a b")
            return ""
        } catch {
            return "jf.yaml:10: mesos.roles: 'a b': \(error)\njf.yaml:10: mesos.roles: 'ci' twice"
        }
    }

    @Test(arguments: [
        ("", ["jf.yaml: mesos.master: required", "jf.yaml: stateDir: required"]),
        ("[1, 2]", ["jf.yaml:1: expected a mapping of keys to values"]),
        ("a: [", ["not YAML: "]), ("a: 1\na: 2", ["jf.yaml:", "key given twice: a"]),
        ("a: &x [*x]", ["jf.yaml:"]), ("\u{1}", ["jf.yaml:"]),
        ("templates: {}", ["expected a list of mappings, found a mapping"]),
        ("jenkins: 7", ["jf.yaml:1: jenkins: expected a mapping"]),
    ])
    func `broken files are refused with a place`(text: String, parts: [String]) {
        let found = problems(text)
        for part in parts { #expect(found.contains(part), "\(found)") }
    }

    @Test func `a file that is not there is one clear line`() {
        do throws(ConfigurationError) {
            _ = try JenkinsConfiguration.load(path: "/nowhere/jf.yaml")
            Issue.record("loaded")
        } catch {
            #expect("\(error)".hasPrefix("/nowhere/jf.yaml: cannot be read"))
            #expect(!"\(error)".contains("\n"))
        }
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("2h", .seconds(7_200)),
        ("7d", .seconds(604_800)), ("0", .zero),
    ])
    func `durations carry their unit`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(arguments: ["", "5", "s", "-1s", "1.5s", "5 s", "99999999999s", "5x", "٣s"])
    func `other texts are no durations`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}
