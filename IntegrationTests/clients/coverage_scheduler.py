"""Every call, offer operation and event of the scheduler API, made and met on a real cluster."""

import getpass
import json
import time

from coverage_link import FakeAgent
from coverage_rows import DONE, UNSUPPORTED, refused, scalar, write
from wire_common import JSON, Subscription, call, check, request

CALLS, OPERATIONS, EVENTS = "scheduler call", "offer operation", "scheduler event"


def framework(name, **fields):
    capabilities = ["MULTI_ROLE", "PARTITION_AWARE", "RESERVATION_REFINEMENT", "TASK_KILLING_STATE"]
    return {
        "user": getpass.getuser(), "name": f"coverage {name}", "roles": ["coverage"], "failover_timeout": 60,
        "checkpoint": True, "principal": "coverage", "capabilities": [{"type": each} for each in capabilities],
        **fields,
    }


def reserved(name, value, **fields):
    return scalar(
        name, value, reservations=[{"type": "DYNAMIC", "role": "coverage", "principal": "coverage"}], **fields)


def volume(value):
    return reserved(
        "disk", value, disk={
            "persistence": {"id": "coverage-1", "principal": "coverage"},
            "volume": {"container_path": "data", "mode": "RW"},
        })


def update_of(task_id, *states):
    def wanted(event):
        status = event.get("update", {}).get("status", {})
        return status.get("task_id") == {"value": task_id} and status.get("state") in states

    return wanted


def task_of(offer, task_id, command, **fields):
    return {
        "name": task_id, "task_id": {"value": task_id}, "agent_id": offer["agent_id"],
        "command": {"value": command}, "resources": [scalar("cpus", 0.1), scalar("mem", 32)], **fields,
    }


class SchedulerCoverage:
    def __init__(self, master, rows):
        self.master, self.rows = master, rows
        self.cpus = {}  # agent id -> the most that was offered of it

    def offer(self):
        """An offer of all that the agent has that comes first by id: what an earlier task had is back."""
        def is_whole(offer):
            cpus = sum(each["scalar"]["value"] for each in offer["resources"] if each["name"] == "cpus")
            self.cpus[offer["agent_id"]["value"]] = max(cpus, self.cpus.get(offer["agent_id"]["value"], 0))
            first = min(self.cpus)
            return offer["agent_id"]["value"] == first and cpus == self.cpus[first]

        return self.offer_with(is_whole)

    def accept(self, offer, *operations, **filters):
        filters = filters or {"refuse_seconds": 0}
        self.main.accepted("ACCEPT", offer_ids=[offer["id"]], operations=list(operations), filters=filters)

    def acknowledge(self, status):
        self.main.accepted(
            "ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"], uuid=status["uuid"])

    def until(self, task_id, *states):
        """Acknowledges updates of a task until one of these states."""
        while True:
            _, event = self.main.until(f"an update of {task_id}", update_of(
                task_id, "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", *states), within=20)
            status = event["update"]["status"]
            if "uuid" in status:
                self.acknowledge(status)
            if status["state"] in states:
                return status

    def run(self):
        self.main = Subscription(self.master, framework("scheduler"))
        subscribed = self.main.opened()
        self.rows.add(CALLS, "SUBSCRIBE", note="200 and an endless stream")
        self.rows.add(EVENTS, "SUBSCRIBED", note=f"heartbeat every {subscribed['heartbeat_interval_seconds']} s")
        self.rows.add(EVENTS, "HEARTBEAT", note="at once, then every 15 s")
        self.main.offers_of(2)
        self.rows.add(EVENTS, "OFFERS")
        self.tasks()
        self.reconciliation()
        self.operations()
        self.roles_and_updates()
        self.inverse_offers()
        self.executors()
        self.end()

    # Tasks

    def tasks(self):
        offer = self.offer()
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task_of(offer, "finishing", "true")]}}
        self.accept(offer, launch)
        status = self.until("finishing", "TASK_FINISHED")
        self.rows.add(CALLS, "ACCEPT", note="202; what comes of each operation is an event")
        self.rows.add(OPERATIONS, "LAUNCH")
        self.rows.add(EVENTS, "UPDATE", note=f"from {status['source']}")
        self.rows.add(CALLS, "ACKNOWLEDGE", note="the next update comes only after it")

        offer = self.offer()
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task_of(offer, "killed", "sleep 300")]}}
        self.accept(offer, launch)
        self.until("killed", "TASK_RUNNING")
        self.main.accepted("KILL", task_id={"value": "killed"}, agent_id=offer["agent_id"])
        self.until("killed", "TASK_KILLED")
        self.rows.add(CALLS, "KILL")

        offer = self.offer()
        self.main.accepted("DECLINE", offer_ids=[offer["id"]], filters={"refuse_seconds": 0})
        self.rows.add(CALLS, "DECLINE")

        offer = self.offer()
        executor = {
            "type": "DEFAULT", "executor_id": {"value": "group"}, "framework_id": self.main.framework_id,
            "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)],
        }
        tasks = [{**task_of(offer, name, "true"), "command": {"value": "true"}} for name in ("left", "right")]
        group = {"type": "LAUNCH_GROUP", "launch_group": {"executor": executor, "task_group": {"tasks": tasks}}}
        self.accept(offer, group)
        ends = ["TASK_FINISHED", "TASK_ERROR", "TASK_FAILED", "TASK_DROPPED", "TASK_LOST"]
        statuses = [self.until(name, *ends) for name in ("left", "right")]
        states = {status["state"] for status in statuses}
        note = "" if states == {"TASK_FINISHED"} else f"{sorted(states)[0]}: {statuses[0].get('message', '')}"
        self.rows.add(OPERATIONS, "LAUNCH_GROUP", DONE if not note else UNSUPPORTED, note)

    def reconciliation(self):
        self.main.accepted("RECONCILE", tasks=[{"task_id": {"value": "never"}}])
        _, event = self.main.until("an answer about an unknown task", update_of("never", "TASK_UNKNOWN"))
        check("reconciliation carries no uuid", "uuid" not in event["update"]["status"], event)
        self.rows.add(CALLS, "RECONCILE", note="explicit and implicit")
        self.main.accepted("RECONCILE", tasks=[])

        answer = self.main.call("RECONCILE_OPERATIONS", operations=[{"operation_id": {"value": "never"}}])
        check("RECONCILE_OPERATIONS is accepted", answer.status in (200, 202), answer)
        _, event = self.main.until(
            "an answer about an unknown operation", lambda event: event["type"] == "UPDATE_OPERATION_STATUS")
        status = event["update_operation_status"]["status"]
        check("it is unknown", status["state"] == "OPERATION_UNKNOWN", status)
        self.rows.add(CALLS, "RECONCILE_OPERATIONS")

    # Operations

    def operation(self, kind, body, identifier=None):
        operation = {"type": kind, kind.lower(): body}
        if identifier:
            operation["id"] = {"value": identifier}
        return operation

    def feedback(self, identifier, *states):
        _, event = self.main.until(
            f"the outcome of {identifier}",
            lambda event: event["type"] == "UPDATE_OPERATION_STATUS"
            and event["update_operation_status"]["status"].get("operation_id") == {"value": identifier}, within=20)
        status = event["update_operation_status"]["status"]
        check(f"{identifier} is {' or '.join(states)}", status["state"] in states, status)
        return status

    def operations(self):
        offer = self.offer()
        resources = [reserved("cpus", 0.5), reserved("mem", 64), reserved("disk", 64)]
        self.accept(
            offer, self.operation("RESERVE", {"resources": resources}, "reserve"),
            self.operation("CREATE", {"volumes": [volume(64)]}, "create"))
        status = self.feedback("reserve", "OPERATION_FINISHED")
        self.rows.add(EVENTS, "UPDATE_OPERATION_STATUS", note="repeated by the agent until acknowledged")
        self.main.accepted(
            "ACKNOWLEDGE_OPERATION_STATUS", agent_id=status["agent_id"], uuid=status["uuid"]["value"],
            operation_id={"value": "reserve"})
        self.rows.add(CALLS, "ACKNOWLEDGE_OPERATION_STATUS")
        self.rows.add(OPERATIONS, "RESERVE", note="with operation feedback")
        created = self.feedback("create", "OPERATION_FINISHED")
        self.main.accepted(
            "ACKNOWLEDGE_OPERATION_STATUS", agent_id=created["agent_id"], uuid=created["uuid"]["value"],
            operation_id={"value": "create"})
        self.rows.add(OPERATIONS, "CREATE", note="a directory on the agent, kept between tasks")

        def volume_size(offer):
            return [each["scalar"]["value"] for each in offer["resources"] if "persistence" in each.get("disk", {})]

        offer = self.offer_with(lambda offer: volume_size(offer) == [64.0])
        grow = {"volume": volume(64), "addition": scalar("disk", 16)}
        grow["addition"]["reservations"] = reserved("disk", 16)["reservations"]
        # What the volume grows by must be reserved like the volume.
        self.accept(
            offer, self.operation("RESERVE", {"resources": [reserved("disk", 16)]}),
            self.operation("GROW_VOLUME", grow, "grow"))
        state = self.feedback("grow", "OPERATION_FINISHED", "OPERATION_ERROR")
        self.rows.add(
            OPERATIONS, "GROW_VOLUME", DONE if state["state"] == "OPERATION_FINISHED" else UNSUPPORTED,
            state.get("message", ""))
        size = 80.0 if state["state"] == "OPERATION_FINISHED" else 64.0
        offer = self.offer_with(lambda offer: volume_size(offer) == [size])
        shrink = {"volume": volume(size), "subtract": {"value": size - 64.0 or 16}}
        self.accept(offer, self.operation("SHRINK_VOLUME", shrink, "shrink"))
        state = self.feedback("shrink", "OPERATION_FINISHED", "OPERATION_ERROR")
        self.rows.add(
            OPERATIONS, "SHRINK_VOLUME", DONE if state["state"] == "OPERATION_FINISHED" else UNSUPPORTED,
            state.get("message", ""))

        for kind, body in [
            ("CREATE_DISK", {"source": scalar("disk", 1), "target_type": "MOUNT"}),
            ("DESTROY_DISK", {"source": scalar("disk", 1)}),
        ]:
            offer = self.offer()
            self.accept(offer, self.operation(kind, body, kind.lower()))
            status = self.feedback(kind.lower(), "OPERATION_ERROR")
            self.rows.add(OPERATIONS, kind, UNSUPPORTED, status["message"])

        offer = self.offer_with(lambda offer: volume_size(offer) == [64.0])
        self.accept(
            offer, self.operation("DESTROY", {"volumes": [volume(64)]}, "destroy"),
            self.operation("UNRESERVE", {"resources": [reserved("disk", 64)]}, "unreserve"))
        for identifier in ("destroy", "unreserve"):
            self.feedback(identifier, "OPERATION_FINISHED")
        self.rows.add(OPERATIONS, "DESTROY")
        self.rows.add(OPERATIONS, "UNRESERVE")

    def offer_with(self, wanted):
        """An offer that has something, out of as many rounds as it takes the agent to confirm it."""
        for _ in range(50):
            self.main.decline_all(refuse_seconds=0)
            self.main.accepted("REVIVE")
            self.main.offers_of(2)
            for agent, offer in sorted(self.main.held.items()):
                if wanted(offer):
                    return self.main.held.pop(agent)
            time.sleep(0.1)
        check("an offer with what was reserved comes", False, self.main.held)

    # The framework itself

    def roles_and_updates(self):
        self.main.accepted("SUPPRESS", roles=["coverage"])
        self.rows.add(CALLS, "SUPPRESS")
        self.main.accepted("REVIVE", roles=["coverage"])
        self.rows.add(CALLS, "REVIVE")
        self.main.accepted("REQUEST", requests=[{"resources": [scalar("cpus", 1)]}])
        self.rows.add(CALLS, "REQUEST", note="202 and no effect, as in Mesos")
        changed = framework("scheduler", id=self.main.framework_id, webui_url="http://coverage.example/")
        answer = self.main.call("UPDATE_FRAMEWORK", framework_info=changed)
        check("UPDATE_FRAMEWORK is answered 200 without a type", (answer.status, answer.headers["Content-Type"]) == (
            200, None), answer)
        self.rows.add(CALLS, "UPDATE_FRAMEWORK")

        # An offer is taken back when its agent is deactivated.
        self.main.offers_of(2)
        agent = self.main.held[sorted(self.main.held)[0]]["agent_id"]
        write(self.master, "DEACTIVATE_AGENT", {"agent_id": agent})
        self.main.until("the agent's offer is rescinded", lambda event: event["type"] == "RESCIND")
        self.rows.add(EVENTS, "RESCIND")
        self.main.held.pop(agent["value"])
        write(self.master, "REACTIVATE_AGENT", {"agent_id": agent})

    def inverse_offers(self):
        """Maintenance of the machine on which a task runs; both agents are on it."""
        offer = self.offer()
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task_of(offer, "maintained", "sleep 300")]}}
        self.accept(offer, launch)
        self.until("maintained", "TASK_RUNNING")
        machine = {"hostname": "127.0.0.1", "ip": "127.0.0.1"}
        window = {"machine_ids": [machine], "unavailability": {"start": {"nanoseconds": 4102444800 * 10**9}}}
        write(self.master, "UPDATE_MAINTENANCE_SCHEDULE", {"schedule": {"windows": [window]}})
        ids = self.inverse_ids()
        self.rows.add(EVENTS, "INVERSE_OFFERS")
        self.main.accepted(
            "DECLINE_INVERSE_OFFERS", inverse_offer_ids=ids, filters={"refuse_seconds": 0})
        self.rows.add(CALLS, "DECLINE_INVERSE_OFFERS")
        ids = self.inverse_ids()
        self.main.accepted("ACCEPT_INVERSE_OFFERS", inverse_offer_ids=ids, filters={"refuse_seconds": 0})
        status = json.loads(request(self.master, "GET", "/maintenance/status").text)
        answers = [each["status"] for machine in status["draining_machines"] for each in machine.get("statuses", [])]
        check("the answer shows in the maintenance status", set(answers) == {"ACCEPT"}, status)
        self.rows.add(CALLS, "ACCEPT_INVERSE_OFFERS", note="the answer shows in the maintenance status")
        self.inverse_ids()
        write(self.master, "UPDATE_MAINTENANCE_SCHEDULE", {"schedule": {}})
        self.main.until(
            "the inverse offer is rescinded", lambda event: event["type"] == "RESCIND_INVERSE_OFFER")
        self.rows.add(EVENTS, "RESCIND_INVERSE_OFFER")
        self.main.accepted("KILL", task_id={"value": "maintained"})
        self.until("maintained", "TASK_KILLED")

    def inverse_ids(self):
        _, event = self.main.until("an inverse offer", lambda event: event["type"] == "INVERSE_OFFERS", within=15)
        return [each["id"] for each in event["inverse_offers"]["inverse_offers"]]

    def executors(self):
        """An agent of the test's own stands for one that runs executors."""
        agent = FakeAgent(self.master)
        agent_id = {"value": agent.id}
        self.main.accepted(
            "MESSAGE", agent_id=agent_id, executor_id={"value": "executor"}, data="aGVsbG8=")
        check("the agent gets the bytes", agent.message() == b"hello")
        self.rows.add(CALLS, "MESSAGE")
        agent.send_message(self.main.framework_id["value"], "executor", b"world")
        _, event = self.main.until("the executor's bytes", lambda event: event["type"] == "MESSAGE")
        check("they are the executor's", event["message"]["data"] == "d29ybGQ=", event)
        self.rows.add(EVENTS, "MESSAGE")
        self.main.accepted("SHUTDOWN", executor_id={"value": "executor"}, agent_id=agent_id)
        check("the agent is told to end the executor", agent.is_told_to_shut_down("executor"))
        self.rows.add(CALLS, "SHUTDOWN")
        agent.unregister()
        _, event = self.main.until("FAILURE", lambda event: event["type"] == "FAILURE", within=15)
        check("FAILURE names the agent", event["failure"]["agent_id"] == agent_id, event)
        self.rows.add(EVENTS, "FAILURE")

    def end(self):
        self.main.accepted("TEARDOWN")
        while self.main.next() is not None:
            pass
        self.rows.add(CALLS, "TEARDOWN")
        again = Subscription(self.master, framework("scheduler", id=self.main.framework_id))
        event = again.next()
        check("a removed framework is refused", event["type"] == "ERROR", event)
        self.rows.add(EVENTS, "ERROR", note=event["error"]["message"])
        answer = request(
            self.master, "POST", "/api/v1/scheduler",
            json.dumps({"type": "UNKNOWN", "framework_id": {"value": "none"}}).encode(), {"Content-Type": JSON})
        check("UNKNOWN is refused", answer.status in (400, 501), answer)
        self.rows.add(CALLS, "UNKNOWN", UNSUPPORTED, f"{answer.status}: {answer.text}")
