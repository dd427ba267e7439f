// The controller's side of a check: is it there, who are we, what may we do, and does its version matter.
import FoundationEssentials
import HTTPClient
import MesosProtocol
import Resources

struct ControllerCheck {
    let configuration: JenkinsConfiguration
    private let client: JenkinsClient

    init(_ configuration: JenkinsConfiguration) {
        self.configuration = configuration
        client = JenkinsClient(LiveConfiguration(configuration))
    }

    private var url: String { configuration.jenkins.url }

    func rows() async -> [CheckRow] {
        // `/login` needs no rights, and answers with the version even where everything else is forbidden.
        let answer: JenkinsClient.Answer
        do throws(JenkinsFailure) {
            answer = try await client.ask("GET", "/login")
        } catch {
            return [.wrong("controller", "\(url): \(error)", "check jenkins.url, jenkins.tls.caFile and the network")]
        }
        guard let version = client.version else {
            let found = "\(url) answers \(answer.status), without saying that it is Jenkins"
            return [.wrong("controller", found, "check jenkins.url: the controller's root, with its path prefix")]
        }
        var rows = [CheckRow.ok("controller", "Jenkins \(version) at \(url)")]
        let user = await user()
        rows.append(user)
        if user.state != .wrong {
            rows += await reading()
            rows += await NodeProbe(client: client).rows()
            rows += await labels(version)
        }
        rows += versionRows(version)
        rows += await AgentURLCheck(configuration: configuration, client: client, version: version).rows()
        return rows
    }

    // MARK: - User

    private func user() async -> CheckRow {
        let jenkins = configuration.jenkins
        let secret = jenkins.secret.path ?? "none"
        do throws(JenkinsFailure) {
            let answer = try await client.get("/whoAmI/api/json?tree=name,anonymous,authenticated", in: .lookUp)
            let me = try? JSONValue(parsing: answer.body)
            guard case .string(let name)? = me?["name"] else {
                return .warning("user", "the controller does not say who we are", "check jenkins.user")
            }
            if me?["anonymous"] == .bool(true) {
                return jenkins.secret == .none
                    ? .warning("user", "anonymous", "set jenkins.user and jenkins.tokenFile")
                    : .wrong("user", "anonymous, in spite of \(secret)", "check jenkins.user")
            }
            return .ok("user", name)
        } catch .answered(401, _) {
            return .wrong("user", "'\(jenkins.user)' is refused", "make a new API token and put it into \(secret)")
        } catch .answered(403, let reason) {
            return .wrong("user", "403 \(reason)", "give the user Overall/Read")
        } catch {
            return .wrong("user", "\(error)", "check jenkins.user and \(secret)")
        }
    }

    // MARK: - What may be read

    private func reading() async -> [CheckRow] {
        var rows: [CheckRow] = []
        do throws(JenkinsFailure) {
            _ = try await client.get("/api/json?tree=mode", in: .lookUp)
            rows.append(.ok("Overall/Read", "granted"))
        } catch {
            return [.wrong("Overall/Read", "\(error)", "grant Overall/Read to the user")]
        }
        do throws(JenkinsFailure) {
            let queue = try await client.get(
                "/queue/api/json?tree=items[id],discoverableItems[task[name]]", in: .lookUp)
            let jobs = try await client.get("/api/json?tree=jobs[name]%7B0,1%7D", in: .lookUp)
            let hidden = Self.count("discoverableItems", queue.body)
            if hidden > 0 {
                rows.append(.wrong("Job/Read", "\(hidden) queued builds are hidden", "grant Job/Read to the user"))
            } else if Self.count("jobs", jobs.body) == 0 {
                rows.append(
                    .warning("Job/Read", "no job is visible", "if the controller has jobs, grant Job/Read to the user"))
            } else {
                rows.append(.ok("Job/Read", "granted"))
            }
        } catch {
            rows.append(.wrong("Job/Read", "\(error)", "grant Job/Read to the user"))
        }
        return rows
    }

    private static func count(_ list: String, _ body: [UInt8]) -> Int {
        guard case .array(let elements)? = (try? JSONValue(parsing: body))?[list] else { return 0 }
        return elements.count
    }

    // MARK: - Labels

    private func labels(_ version: JenkinsVersion) async -> [CheckRow] {
        var rows: [CheckRow] = []
        let source = configuration.planner.labelSource
        switch source {
        case .auto:
            if version.isAtLeast(2, 107) {
                rows.append(.ok("label source", "auto: the queue says the labels of jobs"))
            } else {
                rows.append(await jobConfiguration("auto, which on this line reads jobs' configurations"))
            }
        case .config: rows.append(await jobConfiguration("config"))
        case .prometheus:
            rows.append(await tried("GET", "/prometheus/", "prometheus", "install the prometheus plugin"))
        case .script:
            rows.append(
                await tried("POST", "/scriptText", form: "script=println%201", "script", "needs Overall/Administer"))
        }
        if configuration.planner.beacons == .off {
            rows.append(
                .warning(
                    "label beacons", "off: with fewer than two nodes of a label, waiting pipeline steps hide it",
                    "set jenkins.labelBeacons: pair unless the site cannot have them"))
        }
        return rows
    }

    private func jobConfiguration(_ source: String) async -> CheckRow {
        guard let jobs = try? await client.get("/api/json?tree=jobs[url]%7B0,1%7D", in: .lookUp),
            case .array(let elements)? = (try? JSONValue(parsing: jobs.body))?["jobs"],
            case .string(let job)? = elements.first?["url"], let path = JenkinsRequests.buildPath(job)
        else { return .warning("label source", "\(source): no job to try it on", "grant Job/ExtendedRead to the user") }
        return await tried("GET", path + "/config.xml", source, "grant Job/ExtendedRead to the user")
    }

    private func tried(
        _ method: String, _ path: String, form: String? = nil, _ source: String, _ advice: String
    ) async -> CheckRow {
        do throws(JenkinsFailure) {
            if method == "POST" {
                try await client.post(path, form: form ?? "")
            } else {
                _ = try await client.get(path, in: .lookUp)
            }
            return .ok("label source", source)
        } catch {
            return .wrong("label source", "\(source): \(error)", advice)
        }
    }

    // MARK: - Version

    private func versionRows(_ version: JenkinsVersion) -> [CheckRow] {
        var rows: [CheckRow] = []
        if !version.isAtLeast(2, 107) {
            rows.append(
                .warning(
                    "version", "before LTS 2.107 the queue has no labels and tokens need crumbs",
                    "set jenkins.labelSource: config and jenkins.passwordFile, or update"))
        }
        let webSocket = configuration.launches.filter { $0.value.transport == .websocket }.keys.sorted()
        if !version.hasWebSocket, !webSocket.isEmpty {
            let names = webSocket.map(\.value).joined(separator: ", ")
            rows.append(
                .wrong(
                    "transport", "before 2.222 agents cannot use WebSocket: templates \(names)",
                    "set launch.transport: tcp"))
        }
        for (line, java) in [((2, 555), 21), ((2, 479), 17), ((2, 361), 11)]
        where version.isAtLeast(line.0, line.1) {
            rows.append(.ok("java", "agents of this line need Java \(java) or newer"))
            break
        }
        return rows
    }
}
