"""Fixtures: a cluster of mini-mesos on this host for tests in Python.

`mini up --json` prints one line of JSON when the cluster is ready, and takes everything away when it is told to end, or
killed. The program is looked for in $MINI, then in $PATH.
"""

import json
import os
import select
import subprocess
import urllib.request

import pytest

READY_WITHIN_SECONDS = 120


class Cluster:
    """A running cluster: its addresses, and the few questions that tests have for it."""

    def __init__(self, document):
        self.masters = [master["url"] for master in document["masters"]]
        self.agents = [agent["url"] for agent in document["agents"]]
        self.zk = document["zk"]
        self.pids = {daemon["url"]: daemon["pid"] for daemon in document["masters"] + document["agents"]}
        self.work_dir = document["work_dir"]

    @property
    def location(self):
        """What frameworks take as their master."""
        return self.zk or self.masters[0].removeprefix("http://")

    def state(self):
        """The leader's state. A standby answers with a redirect, which is followed."""
        with urllib.request.urlopen(self.masters[0] + "/master/state", timeout=10) as reply:
            return json.load(reply)


def mini():
    return os.environ.get("MINI", "mini")


@pytest.fixture(scope="session")
def cluster():
    command = [mini(), "up", "--json", "--base_port=0", "--masters=1", "--agents=2", "--containerizer=process"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            readable, _, _ = select.select([process.stdout], [], [], READY_WITHIN_SECONDS)
            line = process.stdout.readline() if readable else b""
            assert line, f"mini up printed no document; it ended with {process.poll()}"
            yield Cluster(json.loads(line))
        finally:
            process.terminate()
            assert process.wait(timeout=60) == 0, "something of the cluster is left"


@pytest.fixture
def run(cluster):
    """Runs a command as a task and gives back its exit status and output."""

    def run_command(*command, **limits):
        needs = [f"--{name}={value}" for name, value in limits.items()]
        words = [mini(), "run", f"--master={cluster.location}", *needs, "--", *command]
        done = subprocess.run(words, stdout=subprocess.PIPE, timeout=60, check=False)
        return done.returncode, done.stdout.decode()

    return run_command
