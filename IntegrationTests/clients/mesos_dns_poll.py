"""Reads /master/state as mesos-dns does and makes the names it would answer for.

Arguments: the leader's URL, the name of the task to find. Prints one line `name address ports` for each task.
"""

import json
import re
import sys
import urllib.parse

from wire_common import check, request

LEADER, TASK = sys.argv[1], sys.argv[2]
PID = re.compile(r"^(?P<id>[^@]+)@(?P<host>[0-9.]+):(?P<port>\d+)$")


def pid(text):
    match = PID.match(text)
    check(f"{text} is a pid", match)
    return match["host"], int(match["port"])


def label(text):
    """As in a domain name: letters, digits and dashes, at most 63 of them."""
    return re.sub(r"[^a-z0-9-]", "", text.lower().replace("_", "-").replace(".", "-"))[:63].strip("-")


answer = request(LEADER, "GET", "/master/state")
check("the state is JSON", answer.status == 200 and answer.headers["Content-Type"].startswith("application/json"))
state = json.loads(answer.text)
# It goes on to the address inside `leader` unless that is the one it asked.
check("the leader's pid is the address asked", pid(state["leader"])[0] == urllib.parse.urlsplit(LEADER).hostname)
agents = {}
for agent in state["slaves"]:
    check("an agent has a host name", agent["hostname"], agent)
    agents[agent["id"]] = pid(agent["pid"])[0]
found = []
for framework in state["frameworks"]:
    check("a pid, if there is one, is not empty", framework.get("pid") != "", framework)
    check("the framework has names", framework["name"] and "hostname" in framework, framework)
    for task in framework["tasks"]:
        if task["state"] != "TASK_RUNNING":
            continue
        host = agents[task["slave_id"]]
        statuses = [each for each in task["statuses"] if each["state"] == "TASK_RUNNING"]
        check("a running task has a status that says so, with a time", statuses and statuses[-1]["timestamp"] > 0, task)
        addresses = [
            address["ip_address"]
            for status in statuses[-1:]
            for network in status.get("container_status", {}).get("network_infos", [])
            for address in network.get("ip_addresses", [])
        ]
        ports = re.findall(r"\d+", task["resources"].get("ports", ""))
        discovery = task.get("discovery", {})
        name = label(discovery.get("name", task["name"]))
        for port in discovery.get("ports", {}).get("ports", []):
            check("a discovery port has a number", isinstance(port["number"], int), port)
        print(f"{name}.{label(framework['name'])}.mesos {(addresses or [host])[0]} {','.join(ports)}", flush=True)
        found.append(name)
check(f"{TASK} has a name", label(TASK) in found, found)
print("mesos-dns: done")
