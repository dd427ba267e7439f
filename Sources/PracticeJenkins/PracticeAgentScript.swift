/// The practice controller's inbound agent: a shell script that needs a POSIX shell and either wget or busybox.
public enum PracticeAgentScript {
    /// The script. Its configuration is in the environment, as for the usual agent image:
    ///
    /// - `JENKINS_URL`, `JENKINS_AGENT_NAME`: required.
    /// - `JENKINS_SECRET`, or `JENKINS_SECRET_FILE`: the node's secret, or a file that holds it.
    /// - `JENKINS_AGENT_WORKDIR`: where workspaces go; a temporary folder otherwise, in `MESOS_SANDBOX` if that is set.
    ///
    /// The options `-url`, `-name`, `-secret` (a value or `@FILE`), `-workDir` and `-noReconnect` win over it. Exit codes:
    /// 0 after SIGTERM or SIGINT, 2 for bad usage, 3 refused, 4 connection over and `-noReconnect`, 5 controller
    /// unreachable for a minute.
    public static let text = #"""
        #!/bin/sh
        # Inbound agent of the practice Jenkins controller. Runs builds with sh; talks plain HTTP.

        url=${JENKINS_URL:-} name=${JENKINS_AGENT_NAME:-} secret=${JENKINS_SECRET:-} reconnect=yes
        work=${JENKINS_AGENT_WORKDIR:-}
        [ -z "${JENKINS_SECRET_FILE:-}" ] || secret=@$JENKINS_SECRET_FILE
        while [ $# -gt 0 ]; do
            case $1 in
            -url) url=${2:-}; shift ;;
            -name) name=${2:-}; shift ;;
            -secret) secret=${2:-}; shift ;;
            -workDir) work=${2:-}; shift ;;
            -noReconnect) reconnect=no ;;
            -internalDir | -tunnel) shift ;;
            -*) ;;
            *) echo "practice-agent: unexpected argument: $1" >&2; exit 2 ;;
            esac
            [ $# -eq 0 ] || shift
        done
        case $secret in @*) secret=$(cat "${secret#@}") || exit 2 ;; esac
        if [ -z "$url" ] || [ -z "$name" ] || [ -z "$secret" ]; then
            echo "practice-agent: JENKINS_URL, JENKINS_AGENT_NAME and JENKINS_SECRET are needed" >&2
            exit 2
        fi
        url=${url%/}
        unset JENKINS_SECRET JENKINS_SECRET_FILE

        if busybox wget --help >/dev/null 2>&1; then
            fetch="busybox wget"
        elif wget --help 2>&1 | grep -q BusyBox; then
            fetch="wget"
        elif command -v wget >/dev/null 2>&1; then
            fetch="wget --tries=1 --timeout=15 --no-proxy"
        else
            echo "practice-agent: neither wget nor busybox is installed" >&2
            exit 2
        fi

        # As a cluster's task in the sandbox, so that nothing stays behind even if this is killed.
        own=$(mktemp -d "${MESOS_SANDBOX:-${TMPDIR:-/tmp}}/practice-agent.XXXXXX") || exit 2
        [ -n "$work" ] || work=$own
        case $work in /*) ;; *) work=$PWD/$work ;; esac
        mkdir -p "$work/workspace" || exit 2

        # Every byte as %xx: names may hold anything.
        encode() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }

        # ask SLOT PATH [FILE TO POST]: sets $status and $reason; the body is in $own/SLOT.body.
        ask() {
            answer=$own/$1.body target=$url/standin/agent/$2
            if [ $# -gt 2 ]; then set -- "--post-file=$3"; else set --; fi
            : >"$answer"
            (
                unset http_proxy HTTP_PROXY
                exec timeout 20 $fetch -S -q -O "$answer" "$@" "$target"
            ) >/dev/null 2>"$answer.head" &
            asking=$!
            wait $asking
            whole=$?
            asking=
            status=$(sed -n 's/.*HTTP\/1\.[01] \([0-9][0-9][0-9]\).*/\1/p' "$answer.head" | tail -n 1)
            reason=$(sed -n 's/.*[Xx]-[Ee]rror: *//p' "$answer.head" | tail -n 1)
            status=${status:-000}
            # Half an answer is none: a cookie may be missing, a script cut off.
            [ "$status" != 200 ] || [ "$whole" -eq 0 ] || status=000
        }

        # Ends a run's process group; a child that has not yet made its own group is ended alone.
        stop_run() {
            [ -s "$own/$1.pid" ] || return 0
            pid=$(cat "$own/$1.pid")
            # dash and bash want the dashes before a group, busybox fails on them.
            kill -s "$2" -- "-$pid" 2>/dev/null || kill -s "$2" "-$pid" 2>/dev/null || kill -s "$2" "$pid" 2>/dev/null
        }

        stop_all() {
            for file in "$own"/*.pid; do
                [ -e "$file" ] || continue
                run=${file##*/}
                : >"$own/${run%.pid}.abort"
                stop_run "${run%.pid}" TERM
            done
        }

        leave() {
            trap - TERM INT
            [ -z "${asking:-}" ] || kill "$asking" 2>/dev/null
            stop_all
            if [ -n "$cookie" ]; then
                : >"$own/empty"
                (timeout 1 $fetch -q -O /dev/null "--post-file=$own/empty" "$url/standin/agent/bye?cookie=$cookie") \
                    >/dev/null 2>&1
            fi
            for file in "$own"/*.keeper; do
                [ -e "$file" ] || continue
                run=${file##*/}
                kill "$(cat "$file")" 2>/dev/null
                stop_run "${run%.keeper}" KILL
            done
            # A helper that is just ending may still put a file there.
            rm -rf "$own" 2>/dev/null || { sleep 0.1; rm -rf "$own"; }
            exit "$1"
        }

        # ship SLOT QUERY: posts the output that has not been posted yet, in pieces.
        ship() {
            size=$(wc -c <"$own/$1.log")
            while [ "$sent" -lt "$size" ]; do
                tail -c +$((sent + 1)) "$own/$1.log" | head -c 262144 >"$own/$1.piece"
                piece=$(wc -c <"$own/$1.piece")
                ask "$1" "log?$2&at=$sent" "$own/$1.piece"
                [ "$status" = 200 ] || return 1
                sent=$((sent + piece))
            done
        }

        # execute SLOT JOB BUILD: runs the script and reports. In the background, one for each build.
        execute() {
            folder=$work/workspace/$2
            mkdir -p "$folder" && cd "$folder" || exit 1
            : >"$own/$1.log"
            WORKSPACE=$folder setsid sh -e "$own/$1.script" </dev/null >"$own/$1.log" 2>&1 &
            child=$!
            echo "$child" >"$own/$1.pid"
            query="cookie=$cookie&job=$2&build=$3" sent=0 pause=0.1
            while kill -0 "$child" 2>/dev/null; do
                if [ -e "$own/$1.abort" ]; then
                    stop_run "$1" TERM
                    left=50
                    while kill -0 "$child" 2>/dev/null && [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
                    stop_run "$1" KILL
                    break
                fi
                ship "$1" "$query"
                sleep $pause
                [ $pause = 0.1 ] && pause=0.3
            done
            wait "$child"
            code=$?
            [ ! -e "$own/$1.abort" ] || code=143
            # What a build leaves running goes with it.
            stop_run "$1" KILL
            rm -f "$own/$1.pid"
            : >"$own/empty.$1"
            tries=0
            while [ $tries -lt 20 ]; do
                if ship "$1" "$query"; then ask "$1" "done?$query&rc=$code" "$own/empty.$1"; fi
                case $status in 200 | 409 | 400) break ;; esac
                tries=$((tries + 1))
                sleep 1
            done
            rm -f "$own/$1".* "$own/empty.$1"
        }

        cookie=
        trap 'leave 0' TERM INT
        encoded=$(encode "$name")
        : >"$own/none"

        # Connects; a node that the controller does not know yet may appear in the next seconds.
        connect() {
            refused=0 lost=no
            while :; do
                ask main "connect?name=$encoded&secret=$secret&cookie=$cookie" "$own/none"
                case $status in
                200)
                    cookie=$(tr -d '\r\n ' <"$own/main.body") heard=$(date +%s) seen=0
                    echo "practice-agent: connected as $name"
                    return
                    ;;
                400)
                    refused=$((refused + 1))
                    # One of its own requests may have been taken though the answer was lost; the controller forgets such a
                    # connection after half a minute. busybox keeps the reason of a refusal to itself.
                    case $reason in
                    *unknown*) most=20 ;;
                    ?*) [ $lost = yes ] && most=40 || most=1 ;;
                    *) most=40 ;;
                    esac
                    if [ $refused -ge $most ]; then
                        echo "practice-agent: refused: ${reason:-no such node, or it is connected already}" >&2
                        leave 3
                    fi
                    [ $refused -gt 1 ] || echo "practice-agent: not let in yet; trying again"
                    ;;
                403) echo "practice-agent: refused: wrong secret" >&2; leave 3 ;;
                *) lost=yes; [ $(($(date +%s) - heard)) -lt 60 ] || { echo "practice-agent: no answer from $url" >&2; leave 5; } ;;
                esac
                sleep 1 & wait $!
            done
        }

        heard=$(date +%s) runs=0
        connect
        while :; do
            ask main "next?cookie=$cookie&after=$seen"
            case $status in
            200)
                heard=$(date +%s)
                IFS=' ' read -r verb job build sequence <"$own/main.body" || continue
                # A slot of its own for each run: a step may run again while its first run is still being put away.
                named=$own/slot.$(printf %s "$job.$build" | tr -c 'A-Za-z0-9.\n' _)
                case $verb in
                run)
                    seen=$sequence runs=$((runs + 1))
                    slot=run.$runs
                    echo "$slot" >"$named"
                    tail -n +2 "$own/main.body" >"$own/$slot.script"
                    execute "$slot" "$job" "$build" &
                    echo $! >"$own/$slot.keeper"
                    ;;
                abort)
                    seen=$sequence
                    if [ -s "$named" ]; then
                        slot=$(cat "$named")
                        : >"$own/$slot.abort"
                        stop_run "$slot" TERM
                    fi
                    ;;
                esac
                ;;
            409)
                stop_all
                if [ $reconnect = no ]; then echo "practice-agent: connection is over" >&2; cookie=; leave 4; fi
                echo "practice-agent: connection is over; connecting again"
                connect
                ;;
            *)
                if [ $(($(date +%s) - heard)) -ge 60 ]; then
                    echo "practice-agent: no answer from $url" >&2
                    cookie=
                    leave 5
                fi
                sleep 1 & wait $!
                ;;
            esac
        done

        """#
}
