// The version whose API we speak, and our own.

/// The two version numbers that this program reports.
public enum Versions {
    /// The Apache Mesos release whose v1 API we speak. Clients parse it as MAJOR.MINOR.PATCH and switch features on it,
    /// so it holds digits and dots only.
    public static let mesosAPI = "1.11.0"
    /// The version of mini-mesos itself.
    public static let mini = "0.1.0"
}
