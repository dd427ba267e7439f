// Where an archive says that an entry or a link goes, judged before anything is done. Pure.

/// The path of an entry, relative, without `.` and `..`.
struct EntryPath: Hashable, Sendable {
    let components: [[UInt8]]

    /// - Throws: For paths that do not stay below the place where the archive is unpacked, or that no file can have.
    init(_ bytes: [UInt8], limits: UnpackLimits) throws(UnpackError) {
        if bytes.isEmpty { throw UnpackError(.noName) }
        if bytes[0] == slash { throw UnpackError(.absolutePath, entry: bytes) }
        components = bytes.split(separator: slash).map(Array.init).filter { $0 != dot }
        if components.contains(dots) { throw UnpackError(.parentPath, entry: bytes) }
        // NAME_MAX, and PATH_MAX with its final NUL.
        if components.contains(where: { $0.count > 255 || $0.contains(0) }) || bytes.count > 4095 {
            throw UnpackError(.nameTooLong, entry: bytes)
        }
        if components.count > limits.depthMax {
            throw UnpackError(.tooDeep(max: limits.depthMax), entry: bytes)
        }
    }

    /// Whether a link in this entry's directory with this target stays inside, whatever other links there are.
    ///
    /// `..` counts only at the target's start. Behind a name it could start from wherever a link of that name leads.
    func allowsLink(to target: [UInt8]) -> Bool {
        guard let first = target.first, first != slash, target.count <= 4095, !target.contains(0) else { return false }
        let parts = target.split(separator: slash).map(Array.init).filter { $0 != dot }
        let ups = parts.prefix { $0 == dots }.count
        return ups < components.count && !parts.dropFirst(ups).contains(dots)
    }
}

private let slash = UInt8(ascii: "/")
private let dot = Array(".".utf8)
private let dots = Array("..".utf8)
