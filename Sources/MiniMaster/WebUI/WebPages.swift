// The web page: built into the program, or read from the folder of --webui_dir.
import HTTPServer
import MesosProtocol

/// Answers the files of the page.
struct WebPages: Sendable {
    /// Where the files are read from instead, each time anew.
    let directory: String?

    /// The file of a path, if there is one.
    ///
    /// - Parameter components: Decoded, without the prefix of the master's process; none: the page itself.
    func answer(_ components: [String], _ request: HTTPRequest) -> HTTPResponse? {
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        let path = components.isEmpty ? "index.html" : components.joined(separator: "/")
        if let directory {
            guard let bytes = WebDirectory.read(path, in: directory) else { return nil }
            return WebAnswer.response(bytes, path: path, isOwn: false, to: request)
        }
        guard let file = WebFiles.all.first(where: { $0.path == path }) else { return nil }
        return WebAnswer.response(file.bytes, path: path, isOwn: true, to: request)
    }
}

extension MasterAPI {
    /// The page. A standby's visitors are sent to the leader: their links keep what is behind the `#`. While nobody
    /// leads, the page itself says so and waits.
    func page(_ request: RoutedRequest) -> HTTPResponse {
        if case .following(let leader) = shell.availability {
            return Redirection.response(to: leader, pathAndQuery: "/")
        }
        return pages.answer([], request.http) ?? Self.notFound
    }

    /// What no route answers: a file of the folder that replaces the page.
    func strayFile(_ http: HTTPRequest) -> HTTPResponse? {
        guard pages.directory != nil else { return nil }
        return pages.answer(http.path.split(separator: "/").map(String.init), http)
    }
}
