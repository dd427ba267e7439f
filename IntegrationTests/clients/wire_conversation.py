"""Conversations with the acting leader: streams and their ids, timing of offers, updates until acknowledged, failover.

Arguments: the leader's URL, the number of its agents.
"""

import base64
import getpass
import json
import re
import sys
import time
import uuid

from wire_common import JSON, PROTOBUF, Subscription, call, check, request
from wire_shapes import MASTERS_UPDATE, OFFER, STATE, SUBSCRIBED, UPDATE, differences

LEADER, AGENTS = sys.argv[1], int(sys.argv[2])
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# How much later than due something may be: one allocation interval of a second, and a busy machine.
LATE = 2.5


def info(name, **fields):
    return {"user": getpass.getuser(), "name": f"wire {name}", **fields}


def shaped(what, shape, value):
    check(f"{what} has the recorded keys and types", not differences(shape, value), differences(shape, value))


def update_of(task_id, state):
    def wanted(event):
        status = event.get("update", {}).get("status", {})
        return status.get("task_id") == {"value": task_id} and status.get("state") == state

    return wanted


def launch(subscription, task_id, command, **filters):
    offer = subscription.offers_of(1)[0]
    subscription.held.pop(offer["agent_id"]["value"])
    task = {
        "name": task_id, "task_id": {"value": task_id}, "agent_id": offer["agent_id"], "command": {"value": command},
        "resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}},
        ],
    }
    operation = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
    subscription.accepted("ACCEPT", offer_ids=[offer["id"]], operations=[operation], filters=filters)


def acknowledge(subscription, status):
    subscription.accepted(
        "ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"], uuid=status["uuid"])


def opening():
    """Headers, the first two events, and the media types of both directions."""
    subscription = Subscription(LEADER, info("opening"))
    response = subscription.response
    check("SUBSCRIBE is answered 200", response.status == 200)
    check("the stream is chunked", response.getheader("Transfer-Encoding") == "chunked")
    check("the stream has no length", response.getheader("Content-Length") is None)
    check("the stream's type is the accepted one", response.getheader("Content-Type") == JSON)
    check("the stream id is a UUID", re.fullmatch(UUID, subscription.stream_id), subscription.stream_id)
    subscribed = subscription.opened()
    shaped("SUBSCRIBED", SUBSCRIBED, subscribed)
    master = subscribed["master_info"]
    check("heartbeats are promised every 15 s", subscribed["heartbeat_interval_seconds"] == 15.0)
    check("the master's version is the API's", master["version"] == "1.11.0", master)
    pattern = re.escape(master["id"]) + r"-\d{4,}"
    check("the framework's id is made from the master's", re.fullmatch(pattern, subscription.framework_id["value"]))
    for offer in subscription.offers_of(AGENTS):
        shaped("an offer", OFFER, offer)
    subscription.accepted("TEARDOWN")
    while subscription.next() is not None:
        pass
    check("TEARDOWN ends the stream", True)
    again = Subscription(LEADER, info("opening", id=subscription.framework_id))
    event = again.next()
    removed = {"type": "ERROR", "error": {"message": "Framework has been removed"}}
    check("a removed framework is refused on the stream", event == removed and again.next() is None, event)

    own_id = str(uuid.uuid4())
    binary = Subscription(LEADER, info("protobuf", id={"value": own_id}), accept=PROTOBUF)
    check("events may be protobuf while calls are JSON", binary.response.getheader("Content-Type") == PROTOBUF)
    record = binary.next()
    check("SUBSCRIBED comes as type 1", record[:2] == b"\x08\x01", record)
    check("a framework may choose its own id", own_id.encode() in record, record)
    binary.framework_id = {"value": own_id}
    binary.accepted("TEARDOWN")


def stream_ids():
    """Which calls a stream id allows, and that a second subscription takes over."""
    first = Subscription(LEADER, info("streams", failover_timeout=30))
    first.opened()
    framework = first.framework_id
    revive = {"type": "REVIVE", "framework_id": framework}
    answer = call(LEADER, revive)
    missing = "All non-subscribe calls should include the 'Mesos-Stream-Id' header"
    check("a call without stream id is refused", (answer.status, answer.text) == (400, missing), answer)

    def mismatch(stream_id):
        answer = call(LEADER, revive, stream_id)
        text = (
            f"The stream ID '{stream_id}' included in this request didn't match the stream ID currently associated"
            f" with framework ID {framework['value']}"
        )
        check(f"the stream id {stream_id} is refused", (answer.status, answer.text) == (400, text), answer)

    mismatch("11111111-2222-3333-4444-555555555555")
    second = Subscription(LEADER, info("streams", failover_timeout=30, id=framework))
    second.opened()
    check("the framework keeps its id", second.framework_id == framework)
    check("every subscription has its own stream id", second.stream_id != first.stream_id)
    failed_over = {"type": "ERROR", "error": {"message": "Framework failed over"}}
    first.until("the older stream is told", lambda event: event == failed_over)
    check("and ends", first.next() is None)
    mismatch(first.stream_id)
    second.accepted("REVIVE")
    second.close()

    for _ in range(100):
        answer = call(LEADER, revive, second.stream_id)
        if answer.status != 202:
            break
        time.sleep(0.05)
    refusal = (403, "Framework is not subscribed")
    check("a disconnected framework is refused", (answer.status, answer.text) == refusal, answer)
    third = Subscription(LEADER, info("streams", failover_timeout=30, id=framework))
    third.opened()
    third.accepted("TEARDOWN")


def replies_of_the_master():
    """Updates that the master makes itself: no uuid, and the recorded state, reason and text."""
    for capabilities, lost, unknown in [
        ([], "TASK_LOST", "TASK_LOST"), (["PARTITION_AWARE"], "TASK_DROPPED", "TASK_UNKNOWN"),
    ]:
        subscription = Subscription(LEADER, info("replies", capabilities=[{"type": each} for each in capabilities]))
        subscription.opened()
        offer = subscription.offers_of(1)[0]
        subscription.held = {offer["agent_id"]["value"]: {**offer, "id": {"value": "no-such-offer"}}}
        launch(subscription, "stale", "true")
        _, event = subscription.until("an update about the stale offer", update_of("stale", lost))
        status = event["update"]["status"]
        shaped("the master's update", MASTERS_UPDATE, status)
        check(
            f"a launch on a stale offer is {lost}",
            (status["source"], status["reason"], status["message"], "uuid" in status)
            == (
                "SOURCE_MASTER", "REASON_INVALID_OFFERS",
                "Task launched with invalid offers: Offer no-such-offer is no longer valid", False,
            ),
            status,
        )
        for kind, body in [
            ("KILL", {"task_id": {"value": "never"}}), ("RECONCILE", {"tasks": [{"task_id": {"value": "never"}}]}),
        ]:
            subscription.accepted(kind, **body)
            _, event = subscription.until("an update about the unknown task", update_of("never", unknown))
            status = event["update"]["status"]
            check(
                f"{kind} of an unknown task is answered {unknown}",
                (status["source"], status["reason"], status["message"], "uuid" in status)
                == ("SOURCE_MASTER", "REASON_RECONCILIATION", "Reconciliation: Task is unknown", False),
                status,
            )
        subscription.accepted("TEARDOWN")


def unacknowledged_task():
    """Starts a task of a framework that then wants no offers; its first update stays unacknowledged."""
    subscription = Subscription(LEADER, info("updates", failover_timeout=30))
    subscription.opened()
    launch(subscription, "repeated", "sleep 60")
    when, event = subscription.until("the first update", update_of("repeated", "TASK_STARTING"))
    status = event["update"]["status"]
    shaped("an update", UPDATE, status)
    check("the uuid has 16 bytes", len(base64.b64decode(status["uuid"], validate=True)) == 16, status["uuid"])
    check("a command's executor is named like the task", status["executor_id"] == {"value": "repeated"}, status)
    subscription.accepted("SUPPRESS")
    subscription.decline_all()
    return subscription, when, status


def repetition(subscription, first, status):
    """The unacknowledged update comes again after 10 s, the next ones not before it is acknowledged."""
    when, event = subscription.until("any further update", lambda event: event["type"] == "UPDATE", within=20)
    check("the next update is the same one", event["update"]["status"]["uuid"] == status["uuid"], event)
    check("it is repeated after 10 s", 9.0 < when - first < 10.0 + LATE, when - first)
    acknowledge(subscription, status)
    when, event = subscription.until("the task runs", update_of("repeated", "TASK_RUNNING"), within=LATE)
    acknowledge(subscription, event["update"]["status"])
    state = json.loads(request(LEADER, "GET", "/master/state").text)
    shaped("/master/state with a running task", STATE, state)
    (framework,) = [each for each in state["frameworks"] if each["id"] == subscription.framework_id["value"]]
    (task,) = framework["tasks"]
    check("the running task is there", (task["id"], task["state"]) == ("repeated", "TASK_RUNNING"), task)
    first, second = heartbeats(subscription)
    check("the second heartbeat comes 15 s after the first", 14.5 < second - first < 15.0 + LATE, second - first)
    subscription.accepted("KILL", task_id={"value": "repeated"})
    _, event = subscription.until("the task is killed", update_of("repeated", "TASK_KILLED"))
    acknowledge(subscription, event["update"]["status"])
    subscription.accepted("TEARDOWN")


def heartbeats(subscription):
    """When the first two came."""
    for _ in range(200):
        if len(subscription.heartbeats) > 1:
            break
        time.sleep(0.1)
    check("a second heartbeat comes", len(subscription.heartbeats) > 1)
    return subscription.heartbeats[:2]


def timing_of_offers():
    """How long a declined agent is kept back, and what REVIVE and SUPPRESS change."""
    subscription = Subscription(LEADER, info("offers"))
    subscription.opened()
    subscription.offers_of(AGENTS)
    for what, filters, seconds in [
        ("no filter: one allocation interval", {"refuse_seconds": 0}, 1.0), ("a filter of 3 s", {"refuse_seconds": 3}, 3.0),
        ("the default filter", {}, 5.0),
        ("a negative filter, which is the default,", {"refuse_seconds": -1}, 5.0),
    ]:
        declined = subscription.decline_all(**filters)
        when, _ = subscription.until(f"an offer after {what}", lambda event: event["type"] == "OFFERS", seconds + LATE)
        # The filter began a moment before its answer had arrived.
        check(f"after {what} offers come again after {seconds} s", when - declined > seconds - 0.25, when - declined)
        subscription.offers_of(AGENTS, within=LATE)
    subscription.decline_all(refuse_seconds=3600)
    quiet(subscription, "a filter of an hour keeps offers back")
    revived = subscription.accepted("REVIVE")
    when, _ = subscription.until("offers after REVIVE", lambda _: len(subscription.held) == AGENTS, LATE)
    check("REVIVE brings them at once", when - revived < 0.5, when - revived)
    subscription.accepted("SUPPRESS")
    subscription.decline_all(refuse_seconds=0)
    quiet(subscription, "SUPPRESS keeps offers back")
    subscription.accepted("REVIVE")
    subscription.offers_of(AGENTS, within=LATE)
    subscription.accepted("TEARDOWN")


def quiet(subscription, what):
    time.sleep(2.0)
    waiting = [event for _, event in list(subscription.events.queue) if event["type"] == "OFFERS"]
    check(what, not waiting, waiting)


opening()
stream_ids()
replies_of_the_master()
waiting = unacknowledged_task()
timing_of_offers()
repetition(*waiting)
print("wire conversation: done")
