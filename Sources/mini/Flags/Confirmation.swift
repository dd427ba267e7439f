// Questions before something is done that cannot be taken back.

import Foundation
import Glibc

/// Asks on a terminal; anywhere else, says which flag answers.
struct Confirmation {
    /// Whether a person can be asked: input and error output are a terminal.
    var isInteractive: Bool
    var write: (String) -> Void
    /// Nil: the input has ended.
    var readLine: () -> String?

    static var ofThisTerminal: Confirmation {
        Confirmation(
            isInteractive: isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1,
            write: { FileHandle.standardError.write(Data($0.utf8)) }, readLine: { Swift.readLine() })
    }

    /// - Parameter isGiven: Whether `--yes` was.
    /// - Throws: Wrong usage where nobody can be asked; status 1 if the answer is anything but yes.
    func ask(_ question: String, _ command: String, isGiven: Bool) throws {
        if isGiven { return }
        guard isInteractive else {
            throw CommandFailure(description: "\(command): \(question) Give --yes to do it without being asked")
        }
        write("\(question) [y/N] ")
        let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased()
        guard answer == "y" || answer == "yes" else {
            throw CommandFailure(description: "\(command): nothing was done", status: 1)
        }
    }
}
