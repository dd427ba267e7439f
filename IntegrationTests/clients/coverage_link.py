"""An agent of a few lines: speaks the agent link by hand, to stand for agents that run executors."""

import http.client
import queue
import socket
import threading
import urllib.parse

from wire_common import PROTOBUF, check, request

LINK = "/api/v1/agent-link"
REGISTER, MESSAGE_UP, UNREGISTER = 1, 4, 5
REGISTERED, MESSAGE_DOWN, PING, SHUTDOWN_EXECUTOR = 1, 8, 9, 18
PONG = 3


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(data):
    """The fields of a message: number to list of values; varints as numbers, lengths as bytes."""
    found, at = {}, 0

    def read_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = read_varint()
        kind = key & 7
        if kind == 0:
            value = read_varint()
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        else:
            length = read_varint()
            value, at = data[at:at + length], at + length
        found.setdefault(key >> 3, []).append(value)
    return found


class FakeAgent:
    def __init__(self, master):
        self.master = master
        self.commands = queue.Queue()
        agent = text(1, "coverage-agent") + number(8, 1)
        register = text(1, agent) + number(2, 1) + text(3, "0.1.0")
        body = number(1, REGISTER) + text(2, register)
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(master).netloc, timeout=60)
        self.connection.request("POST", LINK, body, {"Content-Type": PROTOBUF, "Accept": PROTOBUF})
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        check("a link is opened", self.response.status == 200, self.response.status)
        self.stream_id = self.response.getheader("Mini-Link-Stream-Id")
        threading.Thread(target=self.read, daemon=True).start()
        kind, command = self.next(REGISTERED)
        self.id = fields(fields(command[2][0])[1][0])[1][0].decode()

    def read(self):
        try:
            while length := self.response.readline():
                command = fields(self.response.read(int(length)))
                if command[1][0] == PING:
                    sequence = fields(command[10][0])[2][0]
                    self.send(number(1, PONG) + text(4, number(1, sequence)))
                else:
                    self.commands.put((command[1][0], command))
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def next(self, kind):
        while True:
            try:
                got, command = self.commands.get(timeout=10)
            except queue.Empty:
                raise SystemExit(f"failed: no command {kind} within 10 s")
            if got == kind:
                return got, command

    def send(self, body):
        answer = request(
            self.master, "POST", LINK, body, {"Content-Type": PROTOBUF, "Mini-Link-Stream-Id": self.stream_id})
        check("the master takes the agent's call", answer.status == 202, answer)

    def message(self):
        _, command = self.next(MESSAGE_DOWN)
        return fields(command[9][0])[4][0]

    def send_message(self, framework, executor, data):
        message = text(1, text(1, framework)) + text(2, text(1, self.id)) + text(3, text(1, executor)) + text(4, data)
        self.send(number(1, MESSAGE_UP) + text(5, message))

    def is_told_to_shut_down(self, executor):
        self.next(SHUTDOWN_EXECUTOR)
        return True

    def unregister(self):
        self.send(number(1, UNREGISTER) + text(6, b""))
        self.socket.shutdown(socket.SHUT_RDWR)
