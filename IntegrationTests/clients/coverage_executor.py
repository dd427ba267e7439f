"""Every call and event of the executor API: the script is the scheduler, and then the executor that it launched."""

import base64
import getpass
import http.client
import json
import queue
import threading
import urllib.parse
import uuid

from coverage_rows import DONE, UNSUPPORTED, scalar
from wire_common import JSON, Subscription, check, request

CALLS, EVENTS = "executor call", "executor event"
PATH = "/api/v1/executor"
# What an executor built on libmesos makes of MESOS_SLAVE_PID.
PREFIXED = "/slave(1)/api/v1/executor"
ESCAPED = "/slave%281%29/api/v1/executor"


class ExecutorStream:
    """A subscription of an executor, read by a thread into a queue; None ends it."""

    def __init__(self, agent, document):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(agent).netloc, timeout=30)
        self.connection.request("POST", PREFIXED, json.dumps(document), {"Content-Type": JSON, "Accept": JSON})
        self.response = self.connection.getresponse()
        check("an executor's SUBSCRIBE is answered 200", self.response.status == 200, self.response.status)
        check("there is no stream id", self.response.getheader("Mesos-Stream-Id") is None)
        self.events = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while length := self.response.readline():
                self.events.put(json.loads(self.response.read(int(length))))
        except (OSError, ValueError, http.client.HTTPException) as error:
            print(f"executor's stream: {error!r}", flush=True)
        self.events.put(None)

    def next(self, kind):
        event = self.events.get(timeout=10)
        check(f"the executor hears {kind}", event is not None and event["type"] == kind, event)
        return event.get(kind.lower())


class ExecutorCoverage:
    def __init__(self, master, agent, rows):
        self.master, self.agent, self.rows = master, agent, rows

    def call(self, kind, path=PATH, **body):
        document = {"type": kind, **self.ids}
        if body:
            document[kind.lower()] = body
        return request(self.agent, "POST", path, json.dumps(document).encode(), {"Content-Type": JSON})

    def accepted(self, kind, path=PATH, **body):
        answer = self.call(kind, path, **body)
        empty = answer.headers["Content-Length"] == "0" and answer.headers["Content-Type"] is None
        check(f"an executor's {kind} is answered 202 without a body or a type", answer.status == 202 and empty, answer)

    def update(self, state, task="hosted"):
        status = {
            "task_id": {"value": task}, "state": state, "source": "SOURCE_EXECUTOR",
            "uuid": base64.b64encode(uuid.uuid4().bytes).decode(),
        }
        self.accepted("UPDATE", ESCAPED, status=status)
        acknowledged = self.stream.next("ACKNOWLEDGED")
        check("it is that update", acknowledged["uuid"] == status["uuid"], acknowledged)

    def heard(self, state, task="hosted"):
        def wanted(event):
            status = event.get("update", {}).get("status", {})
            return status.get("state") == state and status["task_id"]["value"] == task

        _, event = self.main.until(f"{state} of the executor's task {task}", wanted, within=20)
        status = event["update"]["status"]
        self.main.accepted(
            "ACKNOWLEDGE", agent_id=status["agent_id"], task_id=status["task_id"], uuid=status["uuid"])
        return status

    def run(self):
        state = json.loads(request(self.agent, "GET", "/state").text)
        info = {
            "user": getpass.getuser(), "name": "coverage executor", "roles": ["coverage"], "checkpoint": True,
            "failover_timeout": 60, "capabilities": [{"type": "MULTI_ROLE"}],
        }
        self.main = Subscription(self.master, info)
        self.main.opened()
        self.main.until("an offer of the agent", lambda _: state["id"] in self.main.held)
        self.agent_id = {"value": state["id"]}
        self.launch(self.main.held.pop(state["id"]))
        self.subscribe()
        self.talk()
        self.group(state["id"])
        self.end()

    def launch(self, offer):
        self.executor = {
            "type": "CUSTOM", "executor_id": {"value": "by-hand"}, "framework_id": self.main.framework_id,
            "name": "by hand", "command": {"value": "sleep 300"},
            "resources": [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 1)],
        }
        task = {**self.task("hosted"), "executor": self.executor}
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
        self.main.accepted("ACCEPT", offer_ids=[offer["id"]], operations=[launch], filters={"refuse_seconds": 0})
        self.ids = {"framework_id": self.main.framework_id, "executor_id": {"value": "by-hand"}}
        for _ in range(200):
            answer = self.call("MESSAGE", data="")
            if answer.status == 403:
                break
            check("an executor that is not here is not found", answer.status == 400, answer)
            threading.Event().wait(0.05)
        check("only a subscribed executor may speak", answer.text == "Executor is not subscribed", answer)

    def task(self, name):
        return {
            "name": name, "task_id": {"value": name}, "agent_id": self.agent_id,
            "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
        }

    def group(self, agent):
        """Two tasks that come together."""
        names = ["left-of-it", "right-of-it"]
        if agent not in self.main.held:
            self.main.until("another offer of the agent", lambda _: agent in self.main.held, within=20)
        group = {"executor": self.executor, "task_group": {"tasks": [self.task(name) for name in names]}}
        self.main.accepted(
            "ACCEPT", offer_ids=[self.main.held[agent]["id"]],
            operations=[{"type": "LAUNCH_GROUP", "launch_group": group}], filters={"refuse_seconds": 0})
        tasks = self.stream.next("LAUNCH_GROUP")["task_group"]["tasks"]
        check("it is given both at once", [task["task_id"]["value"] for task in tasks] == names, tasks)
        for name in names:
            self.update("TASK_FINISHED", name)
            self.heard("TASK_FINISHED", name)
        self.rows.add(EVENTS, "LAUNCH_GROUP", note="all tasks of a group, once the last is on disk")

    def subscribe(self):
        document = {"type": "SUBSCRIBE", **self.ids, "subscribe": {}}
        # Its container may still be on its way: whoever is too early is told to end.
        for _ in range(100):
            self.stream = ExecutorStream(self.agent, document)
            event = self.stream.events.get(timeout=10)
            if event["type"] == "SUBSCRIBED":
                break
            threading.Event().wait(0.05)
        check("the executor hears SUBSCRIBED", event["type"] == "SUBSCRIBED", event)
        subscribed = event["subscribed"]
        named = all(key in subscribed for key in ("executor_info", "framework_info", "agent_info", "container_id"))
        check("it is told who everybody is", named, subscribed)
        self.rows.add(CALLS, "SUBSCRIBE", note="200 and an endless stream; also below `/slave(1)`")
        self.rows.add(EVENTS, "SUBSCRIBED")
        self.stream.next("LAUNCH")
        self.rows.add(EVENTS, "LAUNCH", note="one for each task, in the order they came")

    def talk(self):
        self.update("TASK_RUNNING")
        self.heard("TASK_RUNNING")
        self.rows.add(CALLS, "UPDATE", note="on disk before it is acknowledged and sent on")
        self.rows.add(EVENTS, "ACKNOWLEDGED")
        self.accepted("MESSAGE", data=base64.b64encode(b"up").decode())
        self.main.until("the executor's message", lambda event: event["type"] == "MESSAGE")
        self.rows.add(CALLS, "MESSAGE", note="to the scheduler")
        self.main.accepted(
            "MESSAGE", agent_id=self.agent_id, executor_id=self.ids["executor_id"],
            data=base64.b64encode(b"down").decode())
        message = self.stream.next("MESSAGE")
        check("it is the scheduler's", base64.b64decode(message["data"]) == b"down", message)
        self.rows.add(EVENTS, "MESSAGE", note="from the scheduler")
        self.accepted("HEARTBEAT")
        self.rows.add(CALLS, "HEARTBEAT")
        answer = self.call("UNKNOWN")
        check("UNKNOWN is answered 501", answer.status == 501, answer)
        self.rows.add(CALLS, "UNKNOWN", UNSUPPORTED, "501")

    def end(self):
        self.main.accepted("KILL", task_id={"value": "hosted"}, agent_id=self.agent_id)
        self.stream.next("KILL")
        self.rows.add(EVENTS, "KILL", note="with a kill policy only if the scheduler gave one")
        self.update("TASK_KILLED")
        status = self.heard("TASK_KILLED")
        check("it is the executor's word", status["source"] == "SOURCE_EXECUTOR", status)
        self.main.accepted("SHUTDOWN", agent_id=self.agent_id, executor_id=self.ids["executor_id"])
        self.stream.next("SHUTDOWN")
        self.rows.add(EVENTS, "SHUTDOWN", note="then SIGKILL after the grace period")
        _, event = self.main.until("the executor's end", lambda event: event["type"] == "FAILURE", within=20)
        check("it is this executor", event["failure"]["executor_id"] == self.ids["executor_id"], event)
        check("its stream ends with it", self.stream.events.get(timeout=10) is None)
        self.rows.add(EVENTS, "HEARTBEAT", DONE, "every 30 minutes: not waited for here")
        self.rows.add(EVENTS, "ERROR", UNSUPPORTED, "calls that fail are answered with a status")
        self.main.accepted("TEARDOWN")
