// Looks at the files that hold secrets.
import Glibc

public enum SecretFileCheck {
    /// What to tell an operator about a file of secrets that others than its owner and group may read; nil if none may.
    public static func warning(aboutFile path: String, flag: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & (S_IROTH | S_IWOTH) != 0 else { return nil }
        return "permissions on --\(flag) file '\(path)' are too open: it should not be accessible by others"
    }
}
