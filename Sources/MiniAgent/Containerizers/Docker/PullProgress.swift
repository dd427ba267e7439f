// How far an image's pull has come, from the engine's stream of reports.

import MesosProtocol

/// The stream of JSON objects with which the engine reports a pull.
package struct PullProgress: Sendable {
    private static let lineBytesMax = 1 << 20
    /// More layers than any image has.
    private static let layersMax = 1000

    private struct Layer: Hashable {
        var doneBytes = 0
        var totalBytes = 0
    }

    private var line: [UInt8] = []
    private var failure: String?
    private var isSkipping = false
    private var layers: [String: Layer] = [:]

    package init() {}

    package mutating func append(_ chunk: [UInt8]) {
        for byte in chunk {
            if byte == UInt8(ascii: "\n") {
                endLine()
            } else if line.count < Self.lineBytesMax {
                line.append(byte)
            } else {
                isSkipping = true
            }
        }
    }

    /// - Returns: The engine's reason if the pull failed.
    package mutating func finish() -> String? {
        endLine()
        return failure
    }

    /// `62 % of 120 MB`; nil as long as no layer's size is known. The size grows while layers are found.
    package var text: String? {
        var done = 0.0
        var total = 0.0
        for layer in layers.values {
            done += Double(min(layer.doneBytes, layer.totalBytes))
            total += Double(layer.totalBytes)
        }
        guard total > 0 else { return nil }
        let percent = Int((100 * done / total).rounded(.down))
        let megabytes = Int(min(total / 1_000_000, 1e15).rounded(.up))
        return "\(percent) % of \(megabytes) MB"
    }

    private mutating func endLine() {
        defer {
            line = []
            isSkipping = false
        }
        guard !isSkipping, !line.isEmpty, let value = try? JSONValue(parsing: line) else { return }
        if let message = value["errorDetail"]?["message"]?.stringValue ?? value["error"]?.stringValue {
            failure = DockerAnswers.oneLine(message)
        }
        guard let id = value["id"]?.stringValue, let status = value["status"]?.stringValue else { return }
        switch status {
        case "Downloading":
            guard let detail = value["progressDetail"], let total = detail["total"]?.integerValue, total > 0,
                layers[id] != nil || layers.count < Self.layersMax
            else { return }
            layers[id] = Layer(doneBytes: max(0, detail["current"]?.integerValue ?? 0), totalBytes: total)
        case "Verifying Checksum", "Download complete", "Pull complete":
            if let total = layers[id]?.totalBytes { layers[id]?.doneBytes = total }
        default: break
        }
    }
}
