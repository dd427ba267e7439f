// One download into one file.

import Beneath
import Glibc
import HTTPClient
import Mailbox

/// Gets what is behind a URL. Redirects are followed; silence, an answer other than success, and a file without end are
/// failures.
struct Downloader: Sendable {
    let client: HTTPClient
    let stallTimeout: Duration
    let bytesMax: Int
    /// Bytes of the disk that stay free for everybody else on the host.
    let freeBytesMin: Int

    /// - Parameter expecting: Told how many bytes will come, `nil` if the server does not say. Throws to give up.
    func download(
        _ url: String, to file: Descriptor, expecting: (Int?) async throws(FetchError) -> Void
    ) async throws(FetchError) {
        var request = HTTPClientRequest(
            url: url, connectTimeout: .seconds(30), idleTimeout: stallTimeout, followRedirects: true)
        request.allowsFTP = true
        let response: HTTPClientResponse
        do throws(HTTPClientError) { response = try await client.execute(request) } catch { throw Self.fault(error) }
        guard response.status == 200 || response.status == 226 else {
            throw .download("the server answered with status \(response.status)")
        }
        let length = response.header("Content-Length").flatMap { Int($0) }
        try checkSize(length ?? 0)
        try checkSpace(file, length ?? 0)
        try await expecting(length)
        try await receive(response.body, to: file)
    }

    /// Leaving the body before its end ends the transfer.
    private func receive(_ body: HTTPClientBody, to file: Descriptor) async throws(FetchError) {
        var chunks = body.makeAsyncIterator()
        var total = 0
        var untilCheck = 16 << 20
        while let chunk = try await Self.next(&chunks) {
            total += chunk.count
            untilCheck -= chunk.count
            try checkSize(total)
            if untilCheck <= 0 {
                untilCheck = 16 << 20
                try checkSpace(file, 0)
            }
            try await DiskWork.run { () throws(FetchError) in try Self.write(chunk, to: file) }
        }
    }

    private static func next(_ chunks: inout HTTPClientBody.AsyncIterator) async throws(FetchError) -> [UInt8]? {
        do throws(HTTPClientError) { return try await chunks.next() } catch { throw fault(error) }
    }

    private static func fault(_ error: HTTPClientError) -> FetchError {
        error == .cancelled ? .cancelled : .download("\(error)")
    }

    private func checkSize(_ bytes: Int) throws(FetchError) {
        guard bytes <= bytesMax else { throw .download("it is larger than \(bytesMax) bytes") }
    }

    private func checkSpace(_ file: Descriptor, _ bytes: Int) throws(FetchError) {
        var status = statvfs()
        guard fstatvfs(file.number, &status) == 0 else { return }
        let free = Int(clamping: status.f_bavail) * Int(clamping: status.f_frsize)
        guard free - bytes >= freeBytesMin else {
            throw .file("no space left on the disk: \(free) bytes are free, and \(freeBytesMin) are to stay so")
        }
    }

    private static func write(_ bytes: [UInt8], to file: Descriptor) throws(FetchError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file.number, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .file("cannot write: \(String(cString: strerror(errno)))") }
            done += count
        }
    }
}
