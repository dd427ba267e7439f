// The pieces of shell script that stand before or around an agent's command. POSIX sh, and what busybox has.
import Resources

enum ShellText {
    /// In single quotes, whatever it holds.
    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// The file that holds the secret where a command is to find it, in the sandbox.
    static let secretFile = ".agent-secret"

    /// Takes the secret out of the environment into a file that only its user can read, before anything else is started.
    static let keepSecretInFile = """
        (umask 077; printf %s "$JENKINS_SECRET" >"${MESOS_SANDBOX:-.}/\(secretFile)") || exit 1
        unset JENKINS_SECRET
        """

    /// Fails clearly, and in time, when a folder does not answer: a process that touches a dead network mount hangs and
    /// cannot even be killed. The look is taken by a process nobody waits for.
    static func mountCheck(_ folders: [String], within deadline: Duration) -> String {
        let tenths = max(1, deadline.clampedMilliseconds / 100)
        let looks = folders.enumerated().map { "look \(quoted($0.element)) \($0.offset)" }.joined(separator: "\n")
        return """
            (
            stale() { echo "jenkins-framework: $1" >&2; exit 75; }
            looks=$(mktemp -d "${TMPDIR:-/tmp}/mount-check.XXXXXX") || stale "no folder for temporary files"
            look() {
                (ls -d "$1/." >/dev/null 2>&1; echo $? >"$looks/$2.new"; mv "$looks/$2.new" "$looks/$2") &
                left=\(tenths)
                until [ -e "$looks/$2" ]; do
                    [ "$left" -gt 0 ] || stale "$1 does not answer: is its network storage gone?"
                    sleep 0.1 2>/dev/null || sleep 1
                    left=$((left - 1))
                done
                [ "$(cat "$looks/$2")" = 0 ] || stale "$1 cannot be read: is it mounted?"
            }
            \(looks)
            rm -rf "$looks"
            ) || exit 75
            """
    }

    /// Runs a command again and again, as long as it does not fail to last for a minute during all of `limit`: an agent
    /// program that cannot be told how long to try is told not to try at all, and started anew.
    static func restarting(_ command: String, for limit: Duration) -> String {
        let seconds = max(1, limit.components.seconds)
        return """
            trap 'kill "$agent" 2>/dev/null; wait "$agent"; exit 143' TERM INT
            connected=$(date +%s)
            while :; do
                began=$(date +%s)
                \(command) &
                agent=$!
                wait "$agent"
                now=$(date +%s)
                [ $((now - began)) -lt 60 ] || connected=$now
                [ $((now - connected)) -lt \(seconds) ] || break
                sleep 5
            done
            echo "jenkins-framework: no connection to the controller for \(seconds) s" >&2
            exit 1
            """
    }
}

extension Duration {
    fileprivate var clampedMilliseconds: Int64 { clampedNanoseconds / 1_000_000 }
}
