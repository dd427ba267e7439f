// Every key in every way: the file that uses them all, and the documentation that lists them.
import Foundation
import MasterDetection
import Resources
import Testing
import ZooKeeper

@testable import JenkinsFramework

@Suite struct ConfigurationKeysTests {
    /// Uses every key there is, but for pairs that exclude each other.
    static let complete = """
        stateDir: /s
        description: our farm
        jenkins:
          {url: "https://ci.example.org", agentUrl: "http://10.0.0.1:8080", user: mesos, tokenFile: /t,
           tls: {caFile: /ca}, pollInterval: 1s, idlePollInterval: 5s, labelSource: script, labelBeacons: single,
           beaconPrefix: lighthouse, explainOnNodes: true}
        mesos:
          {master: "http://m1:5050,http://m2:5050", frameworkName: J, roles: [ci, fast], user: build, principal: p,
           secretFile: /x, tls: {caFile: /ca}, checkpoint: false, failoverTimeout: 1h, declineDuration: 2m,
           declineShort: 1s, reconnectBackoff: 1s..30s, maintenanceLead: 1h}
        limits: {maxAgents: 9, maxPendingAgents: 8, maxLaunchesPerMinute: 7, maxLaunchesPerHost: 6,
                 forbiddenParameters: [cap-add]}
        agents: {connectTimeout: 90s, launchTimeout: 30s, lostGrace: 10s, restartGrace: 5s}
        status: {ip: 0.0.0.0, port: 8181, hostname: jf.example.org}
        health: {unmatchedLabelsFail: true}
        ha: {zk: "zk://z1:2181,z2:2181/jenkins", sessionTimeout: 6s}
        templates:
          - name: all
            labels: all of them
            mode: normal
            default: true
            singleUse: strict
            singleUseJobs: ["release/.*"]
            minExecutors: 1
            maxExecutors: 1
            agentCpus: 0.5
            executorCpus: 1
            agentMemMb: 100
            executorMemMb: 200
            memOverhead: 0.2
            diskMb: 50
            attributes: {rack: r1}
            domain: {region: eu, zone: a}
            role: fast
            priority: 3
            remoteFs: /work
            idleTimeout: 0
            minIdle: 2
            maxLifetime: 1d
            maxBuilds: 20
            maxAgents: 5
            connectTimeout: 10s
            env: {A: one}
            toolLocations: {"hudson.plugins.git.GitTool$DescriptorImpl@Default": /usr/bin/git}
            jvmArgs: -Xss1m
            agentArgs: -noCertificateCheck
            uris: [{value: "http://f/x.tgz", executable: false, extract: true, cache: true}]
            autoSize: suggest
            sizing:
              {cpusParameter: CPUS, memMbParameter: MEM, diskMbParameter: DISK, imageParameter: IMAGE,
               rules: [{jobs: "big/.*", cpus: 8, memMb: 4096, diskMb: 9, image: "r/ci/big"}],
               minCpus: 0.5, maxCpus: 8, minMemMb: 100, maxMemMb: 9000, maxDiskMb: 100}
            launch: {method: java, transport: tcp, tunnel: "h:1", reconnect: 2h, secret: file}
            workspace: {perAgent: false, mountTimeout: 10s}
            container:
              type: docker
              image: "${REGISTRY}/agent:$$1"
              privileged: true
              forcePull: true
              imageFromLabel: true
              allowedImages: ["r/ci/*"]
              keepEntrypoint: false
              shell: [/bin/wrap, -x]
              dind: true
              user: "1000"
              hostname: h
              network: "user:ci"
              ports: [{container: 80, host: 31000, protocol: udp}]
              volumes: [{containerPath: /work, hostPath: /mnt, mode: ro}]
              parameters: [{key: init, value: "true"}]
              pullConfigUri: file:///d.tgz
        """

    private static let surroundings = ConfigurationSurroundings(environment: ["REGISTRY": "r"]) { _ in nil }

    private func read(_ text: String) throws -> (configuration: JenkinsConfiguration, keys: Set<String>) {
        try JenkinsConfiguration.read(text, path: "jf.yaml", in: Self.surroundings)
    }

    private func problems(_ text: String, _ surroundings: ConfigurationSurroundings = Self.surroundings) -> [String] {
        do throws(ConfigurationError) {
            _ = try JenkinsConfiguration.read(text, path: "jf.yaml", in: surroundings)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `every key is read into what it is for`() throws {
        let configuration = try read(Self.complete).configuration
        #expect(configuration.jenkins.explainsOnNodes && configuration.planner.beaconPrefix == "lighthouse")
        #expect(configuration.planner.hostLaunchesPerMinuteMax == 6)
        #expect(configuration.status.hostname == "jf.example.org")
        #expect(configuration.jenkins.caFile == "/ca" && configuration.planner.labelSource == .script)
        #expect(configuration.mesos.otherMasters == [.address(host: "m2", port: 5050)])
        #expect(configuration.planner.maintenanceLead == .seconds(3_600) && configuration.unmatchedLabelsFail)
        #expect(configuration.availability?.zooKeeper.path == "/jenkins")
        #expect(configuration.availability?.sessionTimeout == .seconds(6))
        let template = try #require(configuration.planner.templates.first)
        #expect(template.singleUse == .strict && template.singleUseJobs.map(\.text) == ["release/.*"])
        #expect(template.domain == DomainWish(region: "eu", zone: "a") && template.role?.value == "fast")
        #expect(template.agentsIdleMin == 2 && template.lifetimeMax == .seconds(86_400) && template.buildsMax == 20)
        #expect(template.ports == [PortWish(container: 80, host: 31_000, transport: .udp)])
        #expect(template.imageFromLabel && template.imagesAllowed.map(\.text) == ["r/ci/*"])
        #expect(template.sizing.automatic == .suggest && template.sizing.cpusParameter == "CPUS")
        #expect(template.sizing.rules.map(\.image) == ["r/ci/big"] && template.sizing.diskMax == Scalar(units: 100))
        let launch = try #require(configuration.launches["all"])
        #expect(launch.reconnect == .seconds(7_200) && launch.secretDelivery == .file)
        #expect(launch.mountDeadline == .seconds(10) && !launch.separatesWorkspaces)
        #expect(launch.downloads == [.init(value: "http://f/x.tgz", isCached: true)])
        #expect(launch.toolLocations.map(\.home) == ["/usr/bin/git"])
        let container = try #require(launch.container)
        #expect(container.image == "r/agent:$1" && container.shell == ["/bin/wrap", "-x"])
        #expect(container.volumes.map(\.containerPath) == ["/work", "/var/lib/docker"])
        #expect(container.user == "1000" && container.hostname == "h" && container.pullConfigURI == "file:///d.tgz")
    }

    @Test func `the documentation lists exactly the keys there are`() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Docs/jenkins.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        var documented: Set<String> = []
        var prefix = ""
        for line in text.split(separator: "\n") where line.hasPrefix("| ") {
            let words = line.split(separator: "|")[0].split(separator: "`", omittingEmptySubsequences: false)
            let names = words.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
            if words[0].trimmingCharacters(in: .whitespaces).hasPrefix("key") {
                prefix = names.first.map { $0 + "." } ?? ""
            } else {
                documented.formUnion(names.map { prefix + $0 })
            }
        }
        var known = try read(Self.complete).keys
        // A section is documented by its keys, unless it is a list or has a table of its own.
        known.subtract(
            known.filter { key in known.contains { $0.hasPrefix(key + ".") } }.filter {
                !["templates[].container", "templates[].sizing"].contains($0)
            })
        known.remove("templates[].sizing.rules[]")
        #expect(documented.subtracting(known).sorted() == [], "documented and unknown")
        #expect(known.subtracting(documented).sorted() == [], "known and not documented")
    }

    @Test(arguments: [
        ("jenkins: {url: http://c, tokenFile: /none, user: u}", "jenkins.tokenFile: /none cannot be read: gone"),
        ("mesos: {master: 'm:1,zk://z:1/m'}", "a zk:// URL stands alone"),
        ("mesos: {master: 'm:1', onDemandLinger: 1m}", "onDemandLinger: has a meaning with onDemandRegistration"),
        ("ha: {}", "ha.zk: required"), ("ha: {zk: here}", "ha.zk: Expecting 'zk://'"),
        ("{mesos: {master: 'zk://z:1/m'}, ha: {zk: 'zk://z:1/m'}}", "must not be the path at which the masters elect"),
        ("limits: {maxAgents: 10001}", "expected a whole number from 1 to 10000, found '10001'"),
        ("agents: {connectTimeout: 0}", "must lie between 1s and 1d, found '0'"),
        ("templates: [{name: a b}]", "must be one word"),
        ("jenkins: {beaconPrefix: 'a/b'}", "expected up to 30 letters, digits"),
        ("status: {hostname: 'http://h'}", "expected a host's name or address"),
        ("templates: [{name: a, singleUse: maybe}]", "expected false, true or strict, found 'maybe'"),
        ("templates: [{name: a, singleUseJobs: ['(']}]", "expected a regular expression, found '('"),
        ("templates: [{name: a, role: other}]", "expected one of mesos.roles"),
        ("templates: [{name: a, toolLocations: {git: /g}}]", "expected TYPE@NAME: FOLDER, found 'git'"),
        ("templates: [{name: a, env: {'A=B': 1}}]", "expected a variable's name, found 'A=B'"),
        ("templates: [{name: a, uris: [{value: x, executable: true, extract: true}]}]", "either executable or"),
        ("templates: [{name: a, launch: {transport: tcp, tunnel: nine}}]", "expected HOST:PORT"),
        ("templates: [{name: a, container: {}, launch: {secret: file}}]", "'image' reads the environment"),
        ("templates: [{name: a, container: {}, workspace: {mountTimeout: 3s}}]", "is a part of the command"),
        ("templates: [{name: a, container: {image: '${NONE}/x'}}]", "has no variable 'NONE', named by '${NONE}/x'"),
        ("templates: [{name: a, container: {image: 'a b'}}]", "expected an image's name"),
        ("templates: [{name: a, container: {imageFromLabel: true}}]", "needs allowedImages"),
        ("templates: [{name: a, container: {hostname: a_b}}]", "expected letters, digits"),
        ("templates: [{name: a, container: {type: mesos, privileged: true}}]", "needs type docker"),
        ("templates: [{name: a, container: {pullSecretFile: /x}}]", "needs type mesos"),
        ("templates: [{name: a, container: {ports: [{container: 1}, {container: 1}]}}]", "has the same port"),
        ("templates: [{name: a, container: {volumes: [{containerPath: c}]}}]", "begins with '/', found 'c'"),
        ("templates: [{name: a, container: {parameters: [{key: user}]}}]", "has the key container.user"),
        (
            "{limits: {forbiddenParameters: [cap-add]}, templates: [{name: a, container: {parameters: [{key: cap-add}]}}]}",
            "'cap-add' is forbidden by limits.forbiddenParameters"
        ),
        ("templates: [{name: a, sizing: {minCpus: 2, maxCpus: 1}}]", "must not be above maxCpus"),
        ("templates: [{name: a, sizing: {rules: [{jobs: '['}]}}]", "expected a regular expression for the job's"),
        ("templates: [{name: a, container: {}, image: x}]", "it belongs under 'templates[].container'"),
    ])
    func `a mistake is named with what was expected`(text: String, part: String) {
        let surroundings = ConfigurationSurroundings(environment: [:]) { $0 == "/none" ? "gone" : nil }
        let found = problems(text, surroundings)
        #expect(found.contains { $0.contains(part) }, "\(found)")
    }

    @Test func `a file that nests without end is refused before it is parsed`() {
        #expect(problems(String(repeating: "[", count: 100_000)) == ["1: brackets nest deeper than 100"])
    }

    @Test func `texts and lists have bounds`() {
        let long = String(repeating: "x", count: 20_000)
        #expect(problems("description: \(long)").contains { $0.contains("at most 16384 bytes") })
        let many = (0..<1_001).map { _ in "{name: a}" }.joined(separator: ",")
        #expect(problems("templates: [\(many)]").contains { $0.contains("at most 1000 entries, found 1001") })
    }

    @Test(arguments: [
        (Duration.zero, "0"), (.milliseconds(250), "250ms"), (.seconds(90), "90s"), (.seconds(120), "2m"),
        (.seconds(7_200), "2h"), (.seconds(86_400), "1d"),
    ])
    func `a duration is shown in the largest unit that leaves no rest`(duration: Duration, text: String) {
        #expect(DurationText.text(duration) == text && DurationText.parse(text) == duration)
    }
}
