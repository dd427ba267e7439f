"""Drives Chromium through its debugging pipe: pages, clicks, keys, screenshots, and everything the console said."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Failure(Exception):
    """Something did not come true in time, or the browser refused."""


class Browser:
    """A headless Chromium with a profile of its own. Use it as a context manager."""

    def __init__(self, extra_arguments=()):
        self.profile = tempfile.mkdtemp(prefix="mini-test-browser-")
        to_browser, self.requests = os.pipe()
        self.answers, from_browser = os.pipe()
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise Failure("there is no chromium (Debian: chromium)")
        arguments = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio",
            "--hide-scrollbars", "--remote-debugging-pipe", "--no-proxy-server",
            # Nothing outside this machine is asked for anything.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1", f"--user-data-dir={self.profile}", *extra_arguments,
        ]

        def at_places():
            # The browser reads requests at 3 and writes answers at 4; the copies are made inheritable by dup2.
            high = [os.dup(to_browser), os.dup(from_browser)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            arguments, preexec_fn=at_places, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.number = 0
        self.events = []
        self.credentials = {}
        self.asked = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close", deadline=5)
            self.process.wait(10)
        except (Failure, OSError, subprocess.TimeoutExpired):
            pass
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.requests, json.dumps(message).encode() + b"\0")
        return self.number

    def call(self, method, session=None, deadline=60, **parameters):
        number = self.send(method, session, **parameters)
        end = time.monotonic() + deadline
        while True:
            answer = self.receive(end - time.monotonic())
            if answer is None:
                raise Failure(f"{method}: no answer from the browser")
            if answer.get("id") == number:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def receive(self, limit):
        """The next message; events are kept. None when the time is over."""
        end = time.monotonic() + limit
        while b"\0" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                return None
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise Failure("the browser is gone")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(message)
        if message.get("method", "").startswith("Fetch."):
            self.let_pass(message)
        elif "method" in message:
            self.events.append(message)
        return message

    def let_pass(self, message):
        """A page with a user's name holds its requests back until they are answered; nothing else is lost of them."""
        session, request = message["sessionId"], message["params"]["requestId"]
        if message["method"] == "Fetch.requestPaused":
            self.send("Fetch.continueRequest", session, requestId=request)
            return
        name, secret = self.credentials[session]
        # Who is asked a second time was wrong the first time, and gives up, as with a click on "Cancel".
        asked = self.asked.setdefault(session, set())
        answer = {"response": "CancelAuth"} if request in asked else {
            "response": "ProvideCredentials", "username": name, "password": secret}
        asked.add(request)
        self.send("Fetch.continueWithAuth", session, requestId=request, authChallengeResponse=answer)

    def page(self, width=1280, height=900, scale=1, mobile=False, scheme="light", credentials=None):
        return Page(self, width, height, scale, mobile, scheme, credentials)


class Page:
    """One tab."""

    def __init__(self, browser, width, height, scale, mobile, scheme, credentials):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        if credentials:
            browser.credentials[self.session] = credentials
            self.call("Fetch.enable", handleAuthRequests=True)
        self.resize(width, height, scale, mobile)
        self.scheme(scheme)

    def call(self, method, deadline=60, **parameters):
        return self.browser.call(method, session=self.session, deadline=deadline, **parameters)

    def resize(self, width, height, scale=1, mobile=False):
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def scheme(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.call("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failure(f"{script}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def wait(self, what, script, limit=30):
        """Waits until an expression is true, and gives its value."""
        end = time.monotonic() + limit
        while True:
            self.pump(0)
            try:
                value = self.run(script)
            except Failure as failure:
                # The page may be on its way to another address.
                value = None
                if "context" not in str(failure) and "navigat" not in str(failure) and time.monotonic() > end:
                    raise
            if value:
                return value
            if time.monotonic() > end:
                text = self.run("document.body.innerText.slice(0, 3000)")
                raise Failure(f"not within {limit} s: {what}\n{script}\nthe page says: {text}\n{self.complaints()}")
            self.pump(0.05)

    def pump(self, seconds):
        """Takes what the browser reports."""
        end = time.monotonic() + seconds
        while self.browser.receive(max(0, end - time.monotonic())) is not None:
            pass

    def wait_for_text(self, text, limit=30, within="body"):
        quoted = json.dumps(text)
        return self.wait(
            f"'{text}' is shown", f"document.querySelector('{within}')?.innerText.includes({quoted})", limit)

    def click(self, selector, text=None):
        """Clicks the first element that a selector and a text name, as a mouse does."""
        test = f"one.innerText.includes({json.dumps(text)})" if text else "true"
        find = f"[...document.querySelectorAll({json.dumps(selector)})].find((one) => {test})"
        self.wait(f"there is {selector} {text or ''}", f"Boolean({find})")
        place = self.run(
            f"(() => {{ const one = {find}; one.scrollIntoView({{block: 'center'}}); const box = one.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def press(self, key, code=None, virtual=0, modifiers=0):
        for kind in ("keyDown", "keyUp"):
            parameters = {"type": kind, "key": key, "code": code or key, "windowsVirtualKeyCode": virtual,
                          "modifiers": modifiers}
            if kind == "keyDown" and len(key) == 1:
                parameters["text"] = key
            if kind == "keyDown" and key == "Enter":
                parameters["text"] = "\r"
            self.call("Input.dispatchKeyEvent", **parameters)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path, whole=False):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def complaints(self):
        """Errors and warnings of the console, uncaught exceptions, and violations of the page's policy."""
        self.pump(0)
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            parameters = event["params"]
            if event["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                found.append(" ".join(str(one.get("value", one.get("description"))) for one in parameters["args"]))
            elif event["method"] == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                found.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        return found

    def forget_complaints(self):
        self.pump(0)
        self.browser.events.clear()
