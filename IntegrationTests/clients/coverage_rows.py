"""The rows of the protocol coverage page, and the requests that fill them."""

import json

from wire_common import JSON, PROTOBUF, check, request

DONE, UNSUPPORTED = "done", "unsupported, as in Mesos"


class Rows:
    """One row for each call: what was called, how it was answered, a note. A call is noted once, when it was made."""

    def __init__(self):
        self.rows = []

    def add(self, part, name, status=DONE, note=""):
        known = [row for row in self.rows if row["part"] == part and row["name"] == name]
        check(f"{part} {name} is covered once", not known, known)
        self.rows.append({"part": part, "name": name, "status": status, "note": note})


def one(items, what, wanted):
    found = [item for item in items if wanted(item)]
    check(f"{what} is listed once", len(found) == 1, items)
    return found[0]


def operator_call(master, kind, body=None, accept=JSON):
    document = {"type": kind}
    if body is not None:
        document[kind.lower()] = body
    headers = {"Content-Type": JSON, "Accept": accept}
    return request(master, "POST", "/api/v1", json.dumps(document).encode(), headers)


def read(master, kind, body=None):
    """A reading call in both encodings; returns the body of the JSON answer."""
    answer = operator_call(master, kind, body)
    check(f"{kind} is answered 200 in JSON", answer.status == 200 and answer.headers["Content-Type"] == JSON, answer)
    document = json.loads(answer.text)
    check(f"{kind} names itself", document["type"] == kind, document)
    binary = raw_call(master, kind, body)
    is_binary = binary.status == 200 and binary.headers["Content-Type"] == PROTOBUF
    check(f"{kind} is answered in protobuf, too", is_binary and binary.body[:1] == b"\x08", binary.headers.items())
    return document.get(kind.lower(), {})


def raw_call(master, kind, body):
    """As operator_call, without decoding the answer's bytes as text."""
    import http.client
    import urllib.parse

    document = {"type": kind}
    if body is not None:
        document[kind.lower()] = body
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(master).netloc, timeout=10)
    connection.request("POST", "/api/v1", json.dumps(document), {"Content-Type": JSON, "Accept": PROTOBUF})
    response = connection.getresponse()
    response.body = response.read()
    connection.close()
    return response


def write(master, kind, body, status=200):
    answer = operator_call(master, kind, body)
    empty = answer.headers["Content-Length"] == "0" and answer.headers["Content-Type"] is None
    check(f"{kind} is answered {status} without a body or a type", answer.status == status and empty, answer)


def refused(master, kind, body, status, text):
    answer = operator_call(master, kind, body)
    check(f"{kind} is refused: {status} {text}", answer.status == status and text in answer.text, answer)


def scalar(name, value, **fields):
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}, **fields}
