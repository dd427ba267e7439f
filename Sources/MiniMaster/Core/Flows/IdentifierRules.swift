// The rule for ids that frameworks choose: they become file names and znode names.
enum IdentifierRules {
    static let bytesMax = 255

    /// What is wrong with an id, in the words of Apache Mesos; nil if nothing is.
    static func fault(in id: String) -> String? {
        if id.isEmpty { return "ID must not be empty" }
        if id.utf8.count > bytesMax { return "ID must not be greater than \(bytesMax) characters" }
        if id == "." || id == ".." { return "'\(id)' is disallowed" }
        let isInvalid = id.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F || $0 == "/" || $0 == "\\" }
        return isInvalid ? "'\(id)' contains invalid characters" : nil
    }
}
