"""Single requests and their recorded answers: documents, redirects of standbys, refusals with status and text.

Arguments: the acting leader's URL, the other masters' URLs.
"""

import getpass
import json
import sys
import urllib.parse

from wire_common import JSON, PROTOBUF, SCHEDULER, Subscription, call, check, request
from wire_shapes import STATE, VERSION, differences

LEADER, STANDBYS = sys.argv[1], sys.argv[2:]
NETLOC = urllib.parse.urlsplit(LEADER).netloc
INFO = {"user": getpass.getuser(), "name": "wire requests"}


def document(path, shape):
    answer = request(LEADER, "GET", path)
    check(f"{path} is JSON", answer.status == 200 and answer.headers["Content-Type"] == JSON, answer)
    value = json.loads(answer.text)
    check(f"{path} has the recorded keys and types", not differences(shape, value), differences(shape, value))
    return value


def redirected(master, method, path, location):
    answer = request(master, method, path, b"{}" if method == "POST" else None, {"Content-Type": JSON})
    check(
        f"{method} {path} is sent on to {location or 'the leader'}",
        answer.status == 307 and answer.headers["Location"] == f"//{NETLOC}{location}" and not answer.body, answer,
    )


def refused(what, answer, status, text, whole=True):
    matches = answer.text == text if whole else answer.text.startswith(text)
    kind = answer.headers["Content-Type"]
    check(f"{what}: {status} {text}", answer.status == status and matches, answer)
    check("the reason is plain text", kind == "text/plain; charset=utf-8", kind)


def post(body, content_type=JSON, accept=JSON):
    headers = {"Accept": accept}
    if content_type:
        headers["Content-Type"] = content_type
    return request(LEADER, "POST", SCHEDULER, body, headers)


def documents():
    check("the version is digits and dots", document("/version", VERSION)["version"] == "1.11.0")
    state = document("/master/state", STATE)
    check("the leader names itself", state["pid"] == state["leader"] == f"master@{NETLOC}", state["leader"])
    check("two agents are active", state["activated_slaves"] == 2.0 and len(state["slaves"]) == 2)
    document("/state", STATE)
    document("/slaves", {"slaves": STATE["slaves"], "recovered_slaves": [dict]})
    document("/tasks", {"tasks": [dict]})
    document("/frameworks", {key: STATE[key] for key in ("frameworks", "completed_frameworks")})
    document("/metrics/snapshot", {"master/elected": float, "master/uptime_secs": float})
    health = request(LEADER, "GET", "/health")
    check("/health is 200 and empty", health.status == 200 and not health.body, health)
    check("an unknown path is 404", request(LEADER, "GET", "/no/such/thing").status == 404)


def redirects():
    for master in [LEADER] + STANDBYS:
        redirected(master, "GET", "/redirect", "")
        redirected(master, "GET", "/master/redirect", "")
    for standby in STANDBYS:
        redirected(standby, "POST", SCHEDULER, "/master/api/v1/scheduler")
        redirected(standby, "GET", SCHEDULER, "/master/api/v1/scheduler")
        redirected(standby, "GET", "/master/state", "/master/state")
        check("a standby answers /health", request(standby, "GET", "/health").status == 200)
        check("a standby answers /version", request(standby, "GET", "/version").status == 200)


def refusals_of_form():
    wrong_method = request(LEADER, "GET", SCHEDULER)
    refused(
        "GET", wrong_method, 405,
        "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.",
    )
    check("the allowed method is named", wrong_method.headers["Allow"] == "POST")
    refused("no Content-Type", post(b"{}", None), 400, "Expecting 'Content-Type' to be present")
    refused(
        "another Content-Type", post(b"x", "text/plain"), 415,
        "Expecting 'Content-Type' of application/json or application/x-protobuf",
    )
    refused("broken JSON", post(b"{"), 400, "Failed to parse body into JSON: ", whole=False)
    refused("no body", post(b""), 400, "Failed to parse body into JSON: ", whole=False)
    refused("broken protobuf", post(b"\xff\xff\xff", PROTOBUF), 400, "Failed to parse body into Call protobuf")
    refused(
        "a missing field", post(b'{"type":"SUBSCRIBE","subscribe":{"framework_info":{"name":"x"}}}'), 400,
        "Failed to convert JSON into Call protobuf: ", whole=False,
    )


def refusals_of_calls():
    prefix = "Failed to validate scheduler::Call: "
    refused("no type", call(LEADER, {}), 400, f"{prefix}Expecting 'type' to be present")
    refused("an unknown type", call(LEADER, {"type": "FOO"}), 400, f"{prefix}Expecting 'type' to be present")
    alone = call(LEADER, {"type": "SUBSCRIBE"})
    refused("SUBSCRIBE alone", alone, 400, f"{prefix}Expecting 'subscribe' to be present")
    differing = {"type": "SUBSCRIBE", "framework_id": {"value": "a"}, "subscribe": {"framework_info": INFO}}
    answer = call(LEADER, differing)
    refused("two ids", answer, 400, f"{prefix}'framework_id' differs from 'subscribe.framework_info.id'")
    refused("REVIVE alone", call(LEADER, {"type": "REVIVE"}), 400, f"{prefix}Expecting 'framework_id' to be present")
    for kind in [
        "ACCEPT", "DECLINE", "ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS", "KILL", "SHUTDOWN", "ACKNOWLEDGE",
        "ACKNOWLEDGE_OPERATION_STATUS", "RECONCILE", "RECONCILE_OPERATIONS", "MESSAGE", "REQUEST", "UPDATE_FRAMEWORK",
    ]:
        refused(
            f"{kind} alone", call(LEADER, {"type": kind, "framework_id": {"value": "a"}}), 400,
            f"{prefix}Expecting '{kind.lower()}' to be present",
        )
    subscribe = {"type": "SUBSCRIBE", "subscribe": {"framework_info": INFO}}
    refused(
        "no acceptable type of events", call(LEADER, subscribe, accept="text/html"), 406,
        "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'",
    )
    refused(
        "SUBSCRIBE with a stream id", call(LEADER, subscribe, stream_id="a"), 400,
        "Subscribe calls should not include the 'Mesos-Stream-Id' header",
    )
    refused(
        "an unknown framework", call(LEADER, {"type": "REVIVE", "framework_id": {"value": "nope"}}, "a"), 400,
        "Framework cannot be found",
    )


def refusals_on_the_stream():
    multi = [{"type": "MULTI_ROLE"}]
    for info, message in [
        (
            {**INFO, "roles": ["/bad"], "capabilities": multi},
            "'FrameworkInfo.roles' contains invalid role: Role '/bad' cannot start with a slash",
        ),
        (
            {**INFO, "role": "a", "capabilities": multi},
            "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable",
        ),
        (
            {**INFO, "roles": ["a"]},
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
        ),
    ]:
        refused_subscription = Subscription(LEADER, info)
        check("the status is 200 nevertheless", refused_subscription.response.status == 200)
        event = refused_subscription.next()
        check(f"ERROR {message}", event == {"type": "ERROR", "error": {"message": message}}, event)
        check("and the stream ends", refused_subscription.next() is None)


documents()
redirects()
refusals_of_form()
refusals_of_calls()
refusals_on_the_stream()
print("wire requests: done")
