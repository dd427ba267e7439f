// What one URI of a command asks for, understood before anything is fetched. Pure.

import MesosProtocol

/// One URI of a command.
package struct FetchItem: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// `http`, `https`, `ftp` or `ftps`; without the checksum.
        case download(url: String)
        /// A path of this host, absolute.
        case file(path: String)
    }

    /// How the archive is packed, told by its name.
    package enum Packing: String, Hashable, Sendable {
        case tar, zip, gzip
    }

    /// As it may be shown: without a password.
    package var shown: String
    package var source: Source
    /// Where it goes, relative to the sandbox.
    package var name: String
    package var isExecutable: Bool
    package var packing: Packing?
    package var isCached: Bool
    /// 64 hexadecimal digits in lower case.
    package var sha256: String?

    /// - Parameter frameworksHome: What relative paths are relative to; `nil`: there are none.
    package init(_ uri: V1CommandInfo.URI, frameworksHome: String?) throws(FetchError) {
        shown = Self.shown(uri.value)
        guard !uri.value.isEmpty, !uri.value.contains(where: { "\\'\0".contains($0) || $0.isNewline }) else {
            throw .invalid("Illegal characters in URI")
        }
        let (location, sum) = try Self.takeChecksum(uri.value)
        sha256 = sum
        source = try Self.source(location, frameworksHome)
        name = try uri.hasOutputFile ? Self.checked(uri.outputFile) : Self.baseName(location)
        isExecutable = uri.executable
        // An executable is run as it is.
        packing = uri.executable || !(uri.hasExtract ? uri.extract : true) ? nil : Self.packing(of: name)
        isCached = uri.cache
    }

    private static func source(_ location: String, _ home: String?) throws(FetchError) -> Source {
        guard let end = location.range(of: "://") else {
            if location.hasPrefix("/") { return .file(path: location) }
            guard let home, !home.isEmpty else {
                throw .invalid("it is a relative path, and the agent runs without --frameworks_home")
            }
            guard !location.split(separator: "/").contains("..") else {
                throw .invalid("it leads out of --frameworks_home")
            }
            return .file(path: "\(home)/\(location)")
        }
        let scheme = location[..<end.lowerBound].lowercased()
        let rest = location[end.upperBound...]
        switch scheme {
        case "http", "https", "ftp", "ftps":
            guard let slash = rest.firstIndex(of: "/"), slash != rest.startIndex,
                rest.index(after: slash) != rest.endIndex
            else { throw .invalid("Malformed URI (missing path)") }
            return .download(url: location)
        case "file":
            let path = rest.hasPrefix("localhost/") ? rest.dropFirst("localhost".count) : rest
            guard path.hasPrefix("/") else { throw .invalid("a file URI needs an absolute path, as in file:///path") }
            return .file(path: String(path))
        default:
            throw .invalid(
                "this agent does not fetch '\(scheme)': it has http, https, ftp, ftps and files of this host")
        }
    }

    /// What follows the last slash, the query included, as in Apache Mesos.
    private static func baseName(_ location: String) throws(FetchError) -> String {
        let name = location.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        guard !name.isEmpty, name != ".", name != ".." else { throw .invalid("Malformed URI (missing path)") }
        return try checked(name)
    }

    private static func checked(_ name: String) throws(FetchError) -> String {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !name.hasPrefix("/"), !parts.contains(".."), !parts.contains("."), !parts.contains("") else {
            throw .invalid("URI output file must be within the sandbox directory")
        }
        guard !name.utf8.contains(0), name.utf8.count <= 4000, parts.count <= 100,
            parts.allSatisfy({ $0.utf8.count <= 255 })
        else { throw .invalid("the output file's name is too long") }
        return name
    }

    static func packing(of name: String) -> Packing? {
        for suffix in [".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz"] where name.hasSuffix(suffix) {
            return .tar
        }
        if name.hasSuffix(".zip") { return .zip }
        return name.hasSuffix(".gz") && name != ".gz" && !name.hasSuffix("/.gz") ? .gzip : nil
    }

    /// `#sha256=HEX` at the end is ours, and no server sees it.
    private static func takeChecksum(_ uri: String) throws(FetchError) -> (location: String, sum: String?) {
        guard let hash = uri.lastIndex(of: "#"), uri[hash...].hasPrefix("#sha256=") else { return (uri, nil) }
        let sum = uri[hash...].dropFirst("#sha256=".count).lowercased()
        guard sum.utf8.count == 64, sum.allSatisfy({ $0.isHexDigit && $0.isASCII }) else {
            throw .invalid("a checksum is #sha256= and 64 hexadecimal digits")
        }
        return (String(uri[..<hash]), sum)
    }

    private static func shown(_ uri: String) -> String {
        var uri = String(uri.prefix(500))
        guard let start = uri.range(of: "://")?.upperBound else { return uri }
        let authority = uri[start...].prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") { uri.replaceSubrange(start..<at, with: "***") }
        return uri
    }
}

/// Why a URI was not fetched.
package enum FetchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The URI makes no sense, or asks for what this agent does not do.
    case invalid(String)
    case download(String)
    case file(String)
    /// The helper could not be started, or said why it gave up.
    case helper(String)
    case cancelled

    package var description: String {
        switch self {
        case .invalid(let text), .download(let text), .file(let text), .helper(let text): text
        case .cancelled: "cancelled"
        }
    }
}

extension String {
    /// The first place of `text`, without Foundation.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
