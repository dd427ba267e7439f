// Which running Jenkins framework to ask, and how its answers reach the terminal.

import ArgumentParser
import Foundation
import HTTPClient
import JenkinsFramework
import JenkinsUsage
import OperatorClient

/// Where a framework answers: said outright, found through its configuration, or known to the cluster's master.
struct FrameworkQuestion: ParsableArguments {
    @Option(help: ArgumentHelp("Where the framework serves its status.", valueName: "http://host:port"))
    var url: String?
    @Option(
        help: ArgumentHelp(
            "The framework's configuration; its stateDir says where the status is served.", valueName: "path"))
    var config: String?
    @OptionGroup var master: MasterFlag
    @OptionGroup(title: "Security") var security: ClientSecurityFlags

    /// A full queue of a large site is a few megabytes.
    private static let bodyMax = 256 << 20
    private static let patience = Duration.seconds(30)

    func check(_ command: String) throws {
        guard url == nil || config == nil else {
            throw CommandFailure(
                description:
                    "jenkins \(command): give --config or --url, not both; with neither, the master says where "
                    + "the framework answers")
        }
    }

    /// The directory that the configuration names.
    func stateDirectory(_ command: String) throws -> String? {
        guard let config else { return nil }
        do { return try JenkinsConfiguration.load(path: config).stateDirectory } catch {
            throw CommandFailure(description: "jenkins \(command): \(error)")
        }
    }

    /// - Throws: Usage failures with status 2; whatever keeps the framework from answering with status 1.
    private func baseURL(_ command: String) async throws -> String {
        if let url {
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw CommandFailure(
                    description: "jenkins \(command): --url: expected http://host:port, found '\(url)'")
            }
            return url.hasSuffix("/") ? String(url.dropLast()) : url
        }
        guard let directory = try stateDirectory(command) else { return try await known(command) }
        let file = StatusAddressFile(directory: directory)
        guard let found = file.read() else {
            throw CommandFailure(
                description: "jenkins \(command): no framework runs with \(config ?? ""): there is no \(file.path)",
                status: 1)
        }
        return found
    }

    /// Asks the leading master.
    private func known(_ command: String) async throws -> String {
        var flags = try ClusterFlags.parse([])
        (flags.master, flags.security) = (master, security)
        let frameworks = try await flags.ask("jenkins \(command)") { try await $0.frameworks() }
        do throws(OperatorFailure) { return try JenkinsPlace.only(among: frameworks).url } catch {
            throw ClusterFlags.failure(error, "jenkins \(command)")
        }
    }

    func ask<Answer: Decodable>(
        _ command: String, _ path: String, _ query: [URLQueryItem], as type: Answer.Type
    ) async throws -> Answer {
        let base = try await baseURL(command)
        var parts = URLComponents()
        parts.path = path
        if !query.isEmpty { parts.queryItems = query }
        // A plus sign in a job's name is not a blank.
        let target = (parts.string ?? path).replacing("+", with: "%2B")
        let request = HTTPClientRequest(url: base + target, totalTimeout: Self.patience)
        let reply: HTTPClientReply
        let progress = Progress("asking the Jenkins framework at \(base)")
        do {
            reply = try await HTTPClient.shared.fetch(request, bodyMax: Self.bodyMax)
            await progress.end()
        } catch {
            await progress.end()
            throw CommandFailure(
                description: "jenkins \(command): the framework does not answer at \(base): \(error)"
                    + (url == nil ? "; status.ip in its configuration says where it does" : ""), status: 1)
        }
        guard reply.status == 200 else {
            throw CommandFailure(
                description: "jenkins \(command): \(base) answered \(reply.status): \(reply.text.prefix(500))",
                status: 1)
        }
        do { return try JSONDecoder().decode(type, from: Data(reply.body)) } catch {
            throw CommandFailure(
                description: "jenkins \(command): what \(base) answered is not of a Jenkins framework", status: 1)
        }
    }
}

/// Documents for programs: sorted keys, one line.
enum JSONText {
    static func of(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
