// The documents that `--json` prints.

import Foundation

public enum ReportJSON {
    /// One line: sorted keys in snake case; times are seconds since the Unix epoch; what is not known is left out.
    public static func text(of report: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        // The values are ours: text and finite numbers.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return (try? encoder.encode(report)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// Documents of the endpoints that are no messages of the v1 API.
enum DocumentReading {
    /// - Throws: With the path of the field that is wrong.
    static func read<Document: Decodable>(
        _ bytes: [UInt8], _ question: String, as type: Document.Type = Document.self
    ) throws(AnswerError) -> Document {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch let error as DecodingError {
            throw AnswerError(question: question, field: path(of: error), problem: problem(of: error))
        } catch { throw AnswerError(question: question, field: "the document", problem: "\(error)") }
    }

    private static func context(of error: DecodingError) -> (path: [any CodingKey], text: String) {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            (context.codingPath, context.debugDescription)
        case .keyNotFound(let key, let context): (context.codingPath + [key], "expected a value, found none")
        @unknown default: ([], "\(error)")
        }
    }

    private static func problem(of error: DecodingError) -> String { context(of: error).text }

    private static func path(of error: DecodingError) -> String {
        var path = ""
        for key in context(of: error).path {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return path.isEmpty ? "the document" : path
    }
}
