"""Every endpoint besides the two APIs, of the master and of an agent, read and written on a real cluster."""

import json
import urllib.parse

from coverage_rows import DONE, scalar
from wire_common import JSON, check, request

MASTER, AGENT = "master endpoint", "agent endpoint"


class EndpointCoverage:
    def __init__(self, master, agent, rows):
        self.master, self.agent, self.rows = master, agent, rows

    def read(self, part, path, keys=(), query="", note=""):
        """A JSON document, also as a call of a function."""
        host = self.master if part == MASTER else self.agent
        answer = request(host, "GET", path + query)
        check(f"{path} is JSON", answer.status == 200 and answer.headers["Content-Type"] == JSON, answer)
        document = json.loads(answer.text)
        for key in keys:
            check(f"{path} has {key}", key in document, document)
        called = request(host, "GET", f"{path}{query}{'&' if query else '?'}jsonp=f")
        check(f"{path} as JSONP", called.status == 200 and called.text.startswith("f("), called)
        self.rows.add(part, f"GET {path}", note=note)
        return document

    def post(self, path, fields, status, method="POST", text=None, note=""):
        body = urllib.parse.urlencode(fields) if isinstance(fields, dict) else fields
        kind = "application/x-www-form-urlencoded" if isinstance(fields, dict) else JSON
        answer = request(self.master, method, path, body.encode(), {"Content-Type": kind})
        check(f"{method} {path} is answered {status}", answer.status == status, answer)
        if text is not None:
            check(f"{method} {path} says why", text in answer.text, answer)
        return answer

    def run(self, agent_id):
        self.reads()
        self.agent_reads()
        self.writes(agent_id)

    def reads(self):
        state = self.read(MASTER, "/state", ["version", "slaves", "frameworks", "leader_info", "flags"])
        check("the leader is elected", state["elected_time"] > 0)
        self.read(MASTER, "/state-summary", ["hostname", "slaves", "frameworks"])
        self.read(MASTER, "/slaves", ["slaves", "recovered_slaves"])
        self.read(MASTER, "/frameworks", ["frameworks", "completed_frameworks", "unregistered_frameworks"])
        self.read(MASTER, "/tasks", ["tasks"], "?limit=1&order=asc&offset=0")
        self.read(MASTER, "/roles", ["roles"])
        self.read(MASTER, "/weights")
        self.read(MASTER, "/quota")
        self.read(MASTER, "/maintenance/schedule")
        self.read(MASTER, "/maintenance/status")
        self.read(MASTER, "/flags", ["flags"])
        self.read(MASTER, "/version", ["version", "build_time"])
        self.read(MASTER, "/metrics/snapshot", ["master/elected", "allocator/event_queue_dispatches"])
        self.read(MASTER, "/system/stats.json", ["avg_load_1min", "cpus_total", "mem_total_bytes"])
        self.read(MASTER, "/registrar(1)/registry")
        self.read(MASTER, "/files/debug")
        for path, status in [("/files/browse", 404), ("/files/read", 404), ("/files/download", 404)]:
            answer = request(self.master, "GET", f"{path}?path=/no/such&offset=0")
            check(f"{path} of nothing is {status}", answer.status == status, answer)
            self.rows.add(MASTER, f"GET {path}", note=f"{status} for what is not there")
        health = request(self.master, "GET", "/health")
        check("/health is 200 and empty", health.status == 200 and not health.body, health)
        self.rows.add(MASTER, "GET /health")
        self.rows.add(MASTER, "GET /redirect", note="307, from the leader, too")
        check("/redirect is 307", request(self.master, "GET", "/redirect").status == 307)
        answer = request(self.master, "GET", "/logging/toggle")
        check("/logging/toggle shows the level", answer.status == 200 and answer.text.strip().isdigit(), answer)
        self.rows.add(MASTER, "GET /logging/toggle")

        for path in ["/master/state", "/state.json", "/master/state.json", "/state/", "/master/frameworks/"]:
            check(f"{path} is an alias", request(self.master, "GET", path).status == 200)
        packed = request(self.master, "GET", "/state", None, {"Accept-Encoding": "gzip"}, text=False)
        check("/state is packed", packed.headers["Content-Encoding"] == "gzip" and packed.body[:2] == b"\x1f\x8b")
        tag = request(self.master, "GET", "/state").headers["ETag"]
        same = request(self.master, "GET", "/state", None, {"If-None-Match": tag or "none"})
        check("an unchanged /state is 304", same.status in (200, 304) and tag, (same.status, tag))

    def agent_reads(self):
        self.read(AGENT, "/state", ["id", "frameworks", "flags", "resources"])
        self.read(AGENT, "/slave(1)/state", ["id"])
        self.read(AGENT, "/containers")
        self.read(AGENT, "/monitor/statistics")
        self.read(AGENT, "/flags", ["flags"])
        self.read(AGENT, "/version", ["version"])
        self.read(AGENT, "/metrics/snapshot", ["slave/uptime_secs"])
        health = request(self.agent, "GET", "/health")
        check("the agent's /health is 200", health.status == 200)
        self.rows.add(AGENT, "GET /health")
        for path in ["/files/browse", "/files/read", "/files/download"]:
            answer = request(self.agent, "GET", f"{path}?path=/no/such&offset=0")
            check(f"{path} of nothing is 404", answer.status == 404, answer)
            self.rows.add(AGENT, f"GET {path}", note="404 for what is not there")
        self.read(AGENT, "/files/debug")

    def writes(self, agent_id):
        missing = self.post("/teardown", {"frameworkId": "none"}, 400, text="No framework found with specified ID")
        self.rows.add(MASTER, "POST /teardown", note=missing.text)
        reservation = [{"type": "DYNAMIC", "role": "endpoints", "principal": "coverage"}]
        disk = [scalar("disk", 16, reservations=reservation)]
        volume = [scalar("disk", 16, reservations=reservation, disk={
            "persistence": {"id": "endpoints-1", "principal": "coverage"},
            "volume": {"container_path": "data", "mode": "RW"}})]
        for path, name, value in [
            ("/reserve", "resources", disk), ("/create-volumes", "volumes", volume),
            ("/destroy-volumes", "volumes", volume), ("/unreserve", "resources", disk),
        ]:
            self.post(path, {name: "[]"}, 400, text="Missing 'slaveId' query parameter in the request body")
            self.patiently(path, {"slaveId": agent_id, name: json.dumps(value)})
            self.rows.add(MASTER, f"POST {path}", note="202")
        self.post("/weights", json.dumps([{"role": "endpoints", "weight": 3.0}]), 200, method="PUT")
        self.post("/weights", json.dumps([{"role": "endpoints", "weight": 1.0}]), 200, method="PUT")
        self.rows.add(MASTER, "PUT /weights")
        self.post("/quota", json.dumps({"role": "endpoints", "guarantee": [scalar("cpus", 0.5)]}), 200)
        self.post("/quota", json.dumps({"role": "endpoints", "guarantee": [scalar("cpus", 0.5)]}), 400)
        self.rows.add(MASTER, "POST /quota", note="400 if it is set already")
        answer = request(self.master, "DELETE", "/quota/endpoints")
        check("DELETE /quota/<role> is 200", answer.status == 200, answer)
        self.rows.add(MASTER, "DELETE /quota/<role>")
        machine = {"hostname": "endpoints.example", "ip": "10.9.8.6"}
        window = {"machine_ids": [machine], "unavailability": {"start": {"nanoseconds": 4102444800 * 10**9}}}
        self.post("/maintenance/schedule", json.dumps({"windows": [window]}), 200)
        self.rows.add(MASTER, "POST /maintenance/schedule")
        self.post("/machine/down", json.dumps([machine]), 200)
        self.rows.add(MASTER, "POST /machine/down")
        self.post("/machine/up", json.dumps([machine]), 200)
        self.rows.add(MASTER, "POST /machine/up")
        self.post("/maintenance/schedule", "{}", 200)

    def patiently(self, path, fields):
        """What an earlier call changed is only known when the agent has said so."""
        for _ in range(50):
            body = urllib.parse.urlencode(fields).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = request(self.master, "POST", path, body, kind)
            if answer.status == 202:
                return
        check(f"POST {path} is answered 202", False, answer)
