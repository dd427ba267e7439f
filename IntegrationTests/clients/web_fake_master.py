"""A master of a large cluster that does not exist: it serves the page from its folder and invents the documents."""

import gzip
import http.server
import json
import pathlib
import threading
import urllib.parse

FILES = pathlib.Path(__file__).resolve().parents[2] / "Sources/MiniMaster/WebUI/Files"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
STATES = ["TASK_RUNNING"] * 12 + ["TASK_FINISHED"] * 5 + ["TASK_FAILED", "TASK_KILLED", "TASK_LOST"]
NAMES = ["TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_FINISHED", "TASK_KILLED", "TASK_FAILED",
         "TASK_LOST", "TASK_ERROR", "TASK_UNREACHABLE"]
START = 1_790_000_000


def amounts(cpus=0.0, mem=0.0, disk=0.0):
    return {"cpus": cpus, "gpus": 0.0, "mem": mem, "disk": disk}


class Cluster:
    def __init__(self, agents, tasks, frameworks=20):
        self.roles = [f"team-{number}" for number in range(frameworks)]
        self.tasks = [self.task(number, agents, frameworks) for number in range(tasks)]
        counts = [dict.fromkeys(NAMES, 0) for _ in range(agents)]
        framework_counts = [dict.fromkeys(NAMES, 0) for _ in range(frameworks)]
        for number, task in enumerate(self.tasks):
            counts[number % agents][task["state"]] += 1
            framework_counts[number % frameworks][task["state"]] += 1
        self.documents = {
            "/state-summary": {
                "hostname": "localhost", "cluster": "large",
                "slaves": [self.agent(number, counts[number]) for number in range(agents)],
                "frameworks": [self.framework(number, tasks, framework_counts[number]) for number in range(frameworks)],
            },
            "/masters": {
                "elected_time": START, "availability": "leading", "quorum": 2, "masters": [
                    {"member": f"n{number}", "leader": number == 0, "self": number == 0, "hostname": "localhost",
                     "port": 5050 + number, "pid": f"master@127.0.0.1:{5050 + number}", "foreign": False}
                    for number in range(3)]},
            "/roles": {"roles": [self.role(number, tasks) for number in range(frameworks)]},
            "/metrics/snapshot": {"master/slaves_unreachable": 0.0},
            "/maintenance/status": {}, "/maintenance/schedule": {}, "/flags": {"flags": {}},
        }

    @staticmethod
    def task(number, agents, frameworks):
        state = STATES[number % len(STATES)]
        status = {"state": state, "timestamp": START + number, "source": "SOURCE_EXECUTOR"}
        if state == "TASK_FAILED":
            status |= {"reason": "REASON_COMMAND_EXECUTOR_FAILED", "message": "Command exited with status 1"}
        return {
            "id": f"task-{number:06}", "name": f"job {number % 97}", "framework_id": f"framework-{number % frameworks}",
            "slave_id": f"agent-S{number % agents}", "state": state, "role": f"team-{number % frameworks}",
            "executor_id": "", "resources": amounts(0.5, 512.0),
            "statuses": [{"state": "TASK_RUNNING", "timestamp": START + number - 5}, status]}

    @staticmethod
    def agent(number, counts):
        running = counts["TASK_RUNNING"]
        return {
            "id": f"agent-S{number}", "hostname": f"host-{number:05}.example", "port": 5051,
            "pid": f"slave(1)@10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:5051",
            "attributes": {"rack": f"r{number % 50}", "zone": f"z{number % 3}"}, "registered_time": START,
            "resources": amounts(16.0, 65536.0, 1e6), "used_resources": amounts(running * .5, running * 512.0),
            "offered_resources": amounts(), "reserved_resources": {}, "unreserved_resources": amounts(16.0, 65536.0, 1e6),
            "active": number % 997 != 5, "deactivated": False, "version": "1.11.0", "capabilities": [],
            "framework_ids": []} | counts

    @staticmethod
    def framework(number, tasks, counts):
        return {
            "id": f"framework-{number}", "name": f"service {number}", "hostname": "h", "webui_url": "", "active": True,
            "connected": True, "recovered": False, "capabilities": ["MULTI_ROLE"],
            "used_resources": amounts(counts["TASK_RUNNING"] * .5, counts["TASK_RUNNING"] * 512.0),
            "offered_resources": amounts(), "slave_ids": []} | counts

    @staticmethod
    def role(number, tasks):
        held = {"cpus": float(tasks * (number + 1) // 700), "mem": float(tasks * (number + 1))}
        return {
            "name": f"team-{number}", "weight": 1.0 + number % 3, "frameworks": [f"framework-{number}"],
            "quota": {"role": f"team-{number}", "guarantee": {}, "limit": {}, "consumed": held}, "resources": held,
            "allocated": held, "offered": {}, "reserved": {}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster = None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/" or url.path.startswith("/ui/"):
            file = FILES / (url.path.lstrip("/") or "index.html")
            return self.answer(200, file.read_bytes(), TYPES[file.suffix]) if file.is_file() else self.answer(404, b"")
        if url.path == "/tasks":
            return self.document(self.tasks(query))
        if url.path in self.cluster.documents:
            return self.document(self.cluster.documents[url.path])
        return self.answer(404, b"404 Not Found.")

    def tasks(self, query):
        found = self.cluster.tasks
        for name in ("framework_id", "slave_id"):
            if name in query:
                found = [task for task in found if task[name] == query[name]]
        if "task_id" in query:
            found = [task for task in found if task["id"] == query["task_id"]]
        offset = int(query.get("offset", 0))
        return {"tasks": found[::-1][offset:offset + int(query.get("limit", 100))]}

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(403, b"")

    def document(self, value):
        self.answer(200, gzip.compress(json.dumps(value).encode(), 1), "application/json", [("Content-Encoding", "gzip")])

    def answer(self, status, body, kind="text/plain", headers=()):
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(agents, tasks, port=0):
    """Starts it on a port of its own; gives its address and what stops it."""
    handler = type("Large", (Handler,), {"cluster": Cluster(agents, tasks)})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server.shutdown
