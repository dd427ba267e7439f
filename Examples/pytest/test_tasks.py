"""Tests against a cluster of this host. `python3 -m pytest` in this folder runs them."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def test_the_cluster_is_ready_when_it_says_so(cluster):
    agents = cluster.state()["slaves"]
    assert len(agents) == len(cluster.agents) == 2
    assert all(agent["active"] for agent in agents)


def test_a_task_s_output_and_status_come_back(run):
    assert run("sh", "-c", "echo hello; exit 3") == (3, "hello\n")


def test_nothing_is_left_of_a_task_that_ended(cluster, run):
    assert run("true", cpus=0.5, mem=64)[0] == 0
    wait_until(lambda: all(agent["used_resources"]["cpus"] == 0 for agent in cluster.state()["slaves"]))


def test_agents_that_hang_for_a_moment_lose_nothing(cluster, run):
    agents = [cluster.pids[url] for url in cluster.agents]
    for agent in agents:
        os.kill(agent, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(run, "echo", "later")
            time.sleep(1)
            assert not answer.done()
            for agent in agents:
                os.kill(agent, signal.SIGCONT)
            assert answer.result(timeout=60) == (0, "later\n")
    finally:
        for agent in agents:
            os.kill(agent, signal.SIGCONT)
