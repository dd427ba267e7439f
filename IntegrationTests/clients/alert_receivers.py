"""Receivers of alerts: POST /hook is written down, POST /hang is never answered, and a small SMTP server takes mails.

Prints one line of JSON with the ports. Appends what arrives to the files hooks.jsonl and mails.jsonl of the given folder.
"""
import email
import email.header
import http.server
import json
import os
import socketserver
import sys
import threading
import time

folder = sys.argv[1]


def note(name, value):
    with open(os.path.join(folder, name), "a") as file:
        file.write(json.dumps(value) + "\n")


class Hooks(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/hang":
            note("hangs.jsonl", {})
            time.sleep(3600)
        note("hooks.jsonl", {"path": self.path, "authorization": self.headers.get("Authorization"),
                             "body": json.loads(body)})
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Mails(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write((line + "\r\n").encode())

    def handle(self):
        self.say("220 small.test ESMTP")
        envelope = {"to": []}
        while True:
            line = self.rfile.readline().decode().rstrip("\r\n")
            word = line.upper()
            if not line or word == "QUIT":
                self.say("221 bye")
                return
            if word.startswith("EHLO"):
                self.say("250 small.test")
            elif word.startswith("MAIL FROM:"):
                envelope["from"] = line[10:].split()[0]
                self.say("250 ok")
            elif word.startswith("RCPT TO:"):
                envelope["to"].append(line[8:])
                self.say("250 ok")
            elif word == "DATA":
                self.say("354 go on")
                lines = []
                while True:
                    line = self.rfile.readline()
                    if line == b".\r\n":
                        break
                    lines.append(line[1:] if line.startswith(b"..") else line)
                mail = email.message_from_bytes(b"".join(lines))
                envelope["subject"] = str(email.header.make_header(email.header.decode_header(mail["Subject"])))
                envelope["text"] = mail.get_payload(decode=True).decode()
                note("mails.jsonl", envelope)
                envelope = {"to": []}
                self.say("250 taken")
            else:
                self.say("500 what")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


hooks = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hooks)
hooks.daemon_threads = True
mails = Server(("127.0.0.1", 0), Mails)
threading.Thread(target=mails.serve_forever, daemon=True).start()
print(json.dumps({"http": hooks.server_address[1], "smtp": mails.server_address[1]}), flush=True)
hooks.serve_forever()
