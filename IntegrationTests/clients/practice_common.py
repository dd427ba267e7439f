"""What the client scripts share: arguments, sample documents, and waiting for a condition."""

import subprocess
import sys
import time
import urllib.request

URL, USER, TOKEN, AGENT_SCRIPT = sys.argv[1:5]


def job_xml(command, label=None, parameter=None):
    """A freestyle project with one shell step."""
    place = (
        f"<assignedNode>{label}</assignedNode><canRoam>false</canRoam>" if label else "<canRoam>true</canRoam>"
    )
    properties = ""
    if parameter:
        properties = (
            "<properties><hudson.model.ParametersDefinitionProperty><parameterDefinitions>"
            f"<hudson.model.StringParameterDefinition><name>{parameter}</name><defaultValue>none</defaultValue>"
            "</hudson.model.StringParameterDefinition></parameterDefinitions>"
            "</hudson.model.ParametersDefinitionProperty></properties>"
        )
    return (
        f"<?xml version='1.1' encoding='UTF-8'?><project><description>A sample</description>{properties}{place}"
        f"<builders><hudson.tasks.Shell><command>{command}</command></hudson.tasks.Shell></builders></project>"
    )


def eventually(what, probe, within=20.0):
    """Asks until the answer is true; returns it."""
    deadline = time.monotonic() + within
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {what}")
        time.sleep(0.1)


def check(what, condition):
    if not condition:
        raise AssertionError(what)
    print(f"ok: {what}")


def control(**parameters):
    """Asks the practice controller for a fault or a change of its own."""
    query = urllib.parse.urlencode(parameters)
    request = urllib.request.Request(f"{URL}/standin/control?{query}", method="POST")
    with urllib.request.urlopen(request) as answer:
        return answer.read()


class Agent:
    """The practice agent as a process on this host."""

    def __init__(self, name, secret):
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "JENKINS_URL": URL, "JENKINS_AGENT_NAME": name,
            "JENKINS_SECRET": secret,
        }
        self.process = subprocess.Popen(["/bin/sh", AGENT_SCRIPT], env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)
