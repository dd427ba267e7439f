"""Plain HTTP towards a master, with nothing but the standard library: requests, event streams, checks."""

import http.client
import json
import queue
import socket
import threading
import time
import urllib.parse

SCHEDULER = "/api/v1/scheduler"
JSON, PROTOBUF = "application/json", "application/x-protobuf"
HEARTBEAT = {"type": "HEARTBEAT"}


def check(what, condition, seen=None):
    if not condition:
        raise SystemExit(f"failed: {what}" + ("" if seen is None else f"; seen: {seen!r}"))
    print(f"ok: {what}", flush=True)


class Answer:
    def __init__(self, response, text=True):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()
        self.text = self.body.decode() if text else ""

    def __repr__(self):
        return f"{self.status} {dict(self.headers.items())} {self.text[:300]}"


def request(master, method, path, body=None, headers=None, text=True):
    """One request on a connection of its own; `text`: whether the answer's body is one."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(master).netloc, timeout=10)
    try:
        # Nothing is added on our behalf: a missing header must stay missing.
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return Answer(connection.getresponse(), text)
    finally:
        connection.close()


def call(master, document, stream_id=None, accept=JSON):
    """A scheduler call in JSON."""
    headers = {"Content-Type": JSON, "Accept": accept}
    if stream_id is not None:
        headers["Mesos-Stream-Id"] = stream_id
    return request(master, "POST", SCHEDULER, json.dumps(document).encode(), headers)


class Subscription:
    """A SUBSCRIBE call and its endless answer, read by a thread into a queue of (when, event); None ends it."""

    def __init__(self, master, info, accept=JSON):
        self.master, self.info = master, info
        document = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
        if "id" in info:
            document["framework_id"] = info["id"]
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(master).netloc, timeout=60)
        headers = {"Content-Type": JSON, "Accept": accept}
        self.connection.request("POST", SCHEDULER, json.dumps(document), headers)
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.stream_id = self.response.getheader("Mesos-Stream-Id")
        self.framework_id = None
        self.held = {}  # agent id -> its latest offer
        self.older = []  # offers of agents with a later one
        self.heartbeats = []  # when they came
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while length := self.response.readline():
                record = self.response.read(int(length))
                event = json.loads(record) if self.response.getheader("Content-Type") == JSON else record
                if event == HEARTBEAT:
                    self.heartbeats.append(time.monotonic())
                self.events.put((time.monotonic(), event))
        except (OSError, ValueError, http.client.HTTPException) as error:
            print(f"stream of {self.framework_id}: {error!r}", flush=True)
        self.events.put((time.monotonic(), None))

    def next(self, within=10.0):
        """The next event; None at the end of the stream."""
        try:
            return self.events.get(timeout=within)[1]
        except queue.Empty:
            raise SystemExit(f"failed: no event of framework {self.framework_id} within {within} s")

    def until(self, what, wanted, within=10.0):
        """The first event that is wanted and when it came; offers before it are kept, others dropped."""
        deadline = time.monotonic() + within
        while True:
            try:
                when, event = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise SystemExit(f"failed: {what}: not within {within} s")
            if event is None:
                raise SystemExit(f"failed: {what}: the stream ended")
            if event["type"] == "OFFERS":
                for offer in event["offers"]["offers"]:
                    older = self.held.get(offer["agent_id"]["value"])
                    if older is not None:
                        self.older.append(older["id"])
                    self.held[offer["agent_id"]["value"]] = offer
            if wanted(event):
                return when, event

    def opened(self):
        """Reads the first two events."""
        first, second = self.next(), self.next()
        check("the first event is SUBSCRIBED", first["type"] == "SUBSCRIBED", first)
        check("the second event is HEARTBEAT", second == HEARTBEAT, second)
        self.framework_id = first["subscribed"]["framework_id"]
        return first["subscribed"]

    def call(self, kind, **body):
        document = {"type": kind, "framework_id": self.framework_id}
        if body:
            document[kind.lower()] = body
        return call(self.master, document, self.stream_id)

    def accepted(self, kind, **body):
        answer = self.call(kind, **body)
        no_body = answer.headers["Content-Length"] == "0" and answer.headers["Content-Type"] is None
        check(f"{kind} is answered 202 without a body or a type", answer.status == 202 and no_body, answer)
        return time.monotonic()

    def offers_of(self, agents, within=10.0):
        """Waits until offers of that many agents are held."""
        if len(self.held) < agents:
            self.until(f"offers of {agents} agents", lambda _: len(self.held) >= agents, within)
        return list(self.held.values())

    def decline_all(self, **filters):
        ids = self.older + [offer["id"] for offer in self.held.values()]
        self.held, self.older = {}, []
        return self.accepted("DECLINE", offer_ids=ids, **({"filters": filters} if filters else {}))

    def close(self):
        """Breaks the stream, as the death of a framework's process would."""
        self.socket.shutdown(socket.SHUT_RDWR)
