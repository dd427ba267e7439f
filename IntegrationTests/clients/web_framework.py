"""A framework with hostile names: what it calls itself, its tasks and their output would be markup if anybody let it."""

import http.client
import json
import threading
import time

HOSTILE = "<img src=x onerror=\"window.hacked='name'\">"


class Framework:
    """Subscribes, launches what it is told to, acknowledges, and goes away with its connection."""

    def __init__(self, address, name=HOSTILE, role="web/team", headers=None, connect=http.client.HTTPConnection):
        self.address = address
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"} | (headers or {})
        self.connect = connect
        self.offers = []
        self.states = {}
        self.condition = threading.Condition()
        self.connection = connect(address, timeout=60)
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            "user": "root", "name": name, "roles": [role], "failover_timeout": 0, "hostname": "<b>host</b>",
            "webui_url": "javascript:window.hacked='url'", "capabilities": [{"type": "MULTI_ROLE"}],
            "labels": {"labels": [{"key": "<i>k</i>", "value": "<i>v</i>"}]}}}}
        self.connection.request("POST", "/api/v1/scheduler", json.dumps(call), self.headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.stream = self.response.getheader("Mesos-Stream-Id")
        self.id = None
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(lambda: self.id)

    def read(self):
        try:
            while True:
                length = b""
                while not length.endswith(b"\n"):
                    byte = self.response.read(1)
                    if not byte:
                        return
                    length += byte
                event = json.loads(self.response.read(int(length)))
                with self.condition:
                    self.take(event)
                    self.condition.notify_all()
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return

    def take(self, event):
        if event["type"] == "SUBSCRIBED":
            self.id = event["subscribed"]["framework_id"]["value"]
        elif event["type"] == "OFFERS":
            self.offers += event["offers"]["offers"]
        elif event["type"] == "RESCIND":
            gone = event["rescind"]["offer_id"]["value"]
            self.offers = [offer for offer in self.offers if offer["id"]["value"] != gone]
        elif event["type"] == "UPDATE":
            status = event["update"]["status"]
            self.states[status["task_id"]["value"]] = status["state"]
            if "uuid" in status:
                threading.Thread(target=self.call, daemon=True, args=("ACKNOWLEDGE", {"acknowledge": {
                    "agent_id": status["agent_id"], "task_id": status["task_id"], "uuid": status["uuid"]}})).start()

    def wait(self, condition, limit=30):
        with self.condition:
            if not self.condition.wait_for(condition, limit):
                raise TimeoutError(f"not within {limit} s; states {self.states}, {len(self.offers)} offers")

    def call(self, kind, body=None):
        connection = self.connect(self.address, timeout=30)
        message = {"type": kind, "framework_id": {"value": self.id}} | (body or {})
        connection.request("POST", "/api/v1/scheduler", json.dumps(message), self.headers | {"Mesos-Stream-Id": self.stream})
        response = connection.getresponse()
        assert response.status == 202, response.read()
        connection.close()

    def launch(self, tasks):
        """`tasks`: (id, name, shell command); all on one agent. Afterwards no offers are wanted."""
        if not self.offers:
            self.call("REVIVE")
        self.wait(lambda: self.offers)
        with self.condition:
            offers, self.offers = self.offers, []
        offer, rest = offers[0], offers[1:]
        infos = [{
            "task_id": {"value": id}, "name": name, "agent_id": offer["agent_id"],
            "command": {"shell": True, "value": command},
            "labels": {"labels": [{"key": "<u>", "value": "<script>window.hacked='label'</script>"}]},
            "resources": [{"name": kind, "type": "SCALAR", "scalar": {"value": amount}}
                          for kind, amount in (("cpus", 0.1), ("mem", 32))]} for id, name, command in tasks]
        self.call("ACCEPT", {"accept": {
            "offer_ids": [offer["id"]], "filters": {"refuse_seconds": 1},
            "operations": [{"type": "LAUNCH", "launch": {"task_infos": infos}}]}})
        self.call("SUPPRESS")
        with self.condition:
            rest, self.offers = rest + self.offers, []
        if rest:
            self.call("DECLINE", {"decline": {"offer_ids": [one["id"] for one in rest], "filters": {"refuse_seconds": 1}}})

    def close(self):
        try:
            self.call("TEARDOWN")
        except (OSError, AssertionError):
            pass
        self.connection.close()
        time.sleep(0)
