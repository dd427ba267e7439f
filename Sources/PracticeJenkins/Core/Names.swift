/// Which names jobs and nodes may have.
enum Names {
    /// The rule of Jenkins: not `.` or `..`, none of the reserved characters, no control characters, not blank.
    static func isSafe(_ name: String) -> Bool {
        guard !name.trimmingBlanks().isEmpty, name != ".", name != "..", name.utf8.count <= 255 else { return false }
        return name.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && scalar.value != 0x7f && !"?*/\\%!@#$^&|<>[]:;".unicodeScalars.contains(scalar)
        }
    }
}
