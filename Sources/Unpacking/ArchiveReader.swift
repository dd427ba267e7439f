// The one owner of libarchive: entries and their bytes, in the order of the archive.

import CArchive
import Glibc

/// What an archive is taken for. Compression by gzip, bzip2 and xz is recognised in all of them.
public enum ArchiveKind: String, Hashable, Sendable, CaseIterable {
    case tar
    case zip
    /// One file, compressed.
    case gzip
}

/// Reads an archive from a descriptor, entry by entry.
final class ArchiveReader {
    enum Kind: Hashable {
        case file, directory, symbolicLink, device, fifo, socket, unknown
    }

    struct Entry {
        var path: [UInt8]
        var kind: Kind
        var mode: mode_t
        /// What the archive claims; -1 if it does not say.
        var size: Int
        var modified: Int
        /// The target of a symbolic link, or the entry that a hard link is another name of.
        var symbolicTarget: [UInt8]?
        var hardTarget: [UInt8]?
    }

    private let archive: OpaquePointer
    private let kind: ArchiveKind
    private var hasEntries = false

    init(_ descriptor: Int32, _ kind: ArchiveKind) throws(UnpackError) {
        guard let archive = archive_read_new() else { throw UnpackError(.format("no memory")) }
        self.archive = archive
        self.kind = kind
        archive_read_support_filter_gzip(archive)
        switch kind {
        case .tar:
            archive_read_support_filter_bzip2(archive)
            archive_read_support_filter_xz(archive)
            archive_read_support_filter_lzma(archive)
            archive_read_support_format_tar(archive)
            archive_read_support_format_gnutar(archive)
        case .zip: archive_read_support_format_zip(archive)
        case .gzip: archive_read_support_format_raw(archive)
        }
        guard archive_read_open_fd(archive, descriptor, 64 << 10) == ARCHIVE_OK else { throw failure() }
    }

    deinit { archive_read_free(archive) }

    /// - Returns: `nil` at the archive's end.
    func next() throws(UnpackError) -> Entry? {
        var pointer: OpaquePointer?
        let code = archive_read_next_header(archive, &pointer)
        if code == ARCHIVE_EOF {
            // Not even one header, and still no failure: that is how other things than tars look.
            if !hasEntries, kind == .tar, archive_filter_bytes(archive, 0) == 0 {
                throw UnpackError(.format("it is empty"))
            }
            return nil
        }
        // A warning is about what is not needed here, such as access lists.
        guard code == ARCHIVE_OK || code == ARCHIVE_WARN, let pointer else { throw failure() }
        if !hasEntries, kind == .gzip, archive_filter_code(archive, 0) != ARCHIVE_FILTER_GZIP {
            throw UnpackError(.format("it is not compressed by gzip"))
        }
        hasEntries = true
        return entry(pointer)
    }

    private func entry(_ pointer: OpaquePointer) -> Entry {
        let type = mode_t(archive_entry_filetype(pointer))
        let kind: Kind =
            switch type {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFCHR, S_IFBLK: .device
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .unknown
            }
        return Entry(
            path: Self.bytes(archive_entry_pathname(pointer), archive_entry_pathname_utf8(pointer)) ?? [], kind: kind,
            mode: mode_t(archive_entry_perm(pointer)) & 0o777,
            size: archive_entry_size_is_set(pointer) == 0 ? -1 : Int(archive_entry_size(pointer)),
            modified: archive_entry_mtime_is_set(pointer) == 0 ? 0 : Int(archive_entry_mtime(pointer)),
            symbolicTarget: Self.bytes(archive_entry_symlink(pointer), archive_entry_symlink_utf8(pointer)),
            hardTarget: Self.bytes(archive_entry_hardlink(pointer), archive_entry_hardlink_utf8(pointer)))
    }

    private static func bytes(_ text: UnsafePointer<CChar>?, _ utf8: UnsafePointer<CChar>?) -> [UInt8]? {
        guard let text = text ?? utf8 else { return nil }
        return UnsafeBufferPointer(start: text, count: strlen(text)).map { UInt8(bitPattern: $0) }
    }

    /// Hands the current entry's content over, piece by piece, each with its place in the file.
    func content(_ take: (UnsafeRawBufferPointer, Int) throws(UnpackError) -> Void) throws(UnpackError) {
        while true {
            var base: UnsafeRawPointer?
            var count = 0
            var offset: la_int64_t = 0
            let code = archive_read_data_block(archive, &base, &count, &offset)
            if code == ARCHIVE_EOF { return }
            guard code == ARCHIVE_OK || code == ARCHIVE_WARN else { throw failure() }
            guard offset >= 0 else { throw UnpackError(.format("it is damaged")) }
            if count > 0 { try take(UnsafeRawBufferPointer(start: base, count: count), Int(offset)) }
        }
    }

    private func failure() -> UnpackError {
        let text = archive_error_string(archive).map { String(cString: $0) } ?? "it is damaged"
        return UnpackError(.format(text))
    }
}
