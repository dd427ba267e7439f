"""Every call and event of the master's operator API, and every call of the agent's, made on a real cluster."""

import getpass
import http.client
import json
import queue
import threading
import time
import urllib.parse

from coverage_link import FakeAgent
from coverage_rows import DONE, UNSUPPORTED, one, operator_call, read, refused, scalar, write
from coverage_scheduler import framework, task_of
from wire_common import JSON, Subscription, check

MASTER, EVENTS, AGENT = "master call", "master event", "agent call"


class OperatorStream:
    """A SUBSCRIBE of the operator API, read by a thread."""

    def __init__(self, master):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(master).netloc, timeout=60)
        self.connection.request(
            "POST", "/api/v1", json.dumps({"type": "SUBSCRIBE"}), {"Content-Type": JSON, "Accept": JSON})
        self.response = self.connection.getresponse()
        check("SUBSCRIBE is answered 200", self.response.status == 200, self.response.status)
        self.seen = []
        self.queue = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while length := self.response.readline():
                self.queue.put(json.loads(self.response.read(int(length))))
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def until(self, kind, wanted=lambda event: True, within=20):
        for event in self.seen:
            if event["type"] == kind and wanted(event):
                return event
        deadline = time.monotonic() + within
        while True:
            try:
                event = self.queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise SystemExit(f"failed: no {kind} event within {within} s; seen {[e['type'] for e in self.seen]}")
            self.seen.append(event)
            if event["type"] == kind and wanted(event):
                return event


class OperatorCoverage:
    def __init__(self, master, agent, rows):
        self.master, self.agent, self.rows = master, agent, rows

    def read(self, kind, body=None, note="", keys=()):
        document = read(self.master, kind, body)
        for key in keys:
            check(f"{kind} has {key}", key in document, document)
        self.rows.add(MASTER, kind, note=note)
        return document

    def run(self):
        self.stream = OperatorStream(self.master)
        first = self.stream.until("SUBSCRIBED")
        check("SUBSCRIBED carries the state", "get_state" in first["subscribed"], first)
        self.rows.add(MASTER, "SUBSCRIBE", note="200 and an endless stream")
        self.rows.add(EVENTS, "SUBSCRIBED", note="with the whole state")
        self.stream.until("HEARTBEAT")
        self.rows.add(EVENTS, "HEARTBEAT", note="at once, then every 15 s")
        self.reads()
        self.files()
        self.weights_and_quota()
        self.reservations()
        self.life()
        self.maintenance()
        self.agents()
        answer = operator_call(self.master, "UNKNOWN")
        check("UNKNOWN is answered 400 or 501", answer.status in (400, 501), answer)
        self.rows.add(MASTER, "UNKNOWN", UNSUPPORTED, f"{answer.status}: {answer.text}")

    def reads(self):
        check("the master is healthy", self.read("GET_HEALTH")["healthy"] is True)
        flags = self.read("GET_FLAGS")["flags"]
        one(flags, "--quorum", lambda flag: flag["name"] == "quorum")
        check("the version is the API's", self.read("GET_VERSION")["version_info"]["version"] == "1.11.0")
        metrics = self.read("GET_METRICS", {"timeout": {"nanoseconds": 5 * 10**9}})["metrics"]
        one(metrics, "master/elected", lambda metric: metric["name"] == "master/elected")
        self.read("GET_LOGGING_LEVEL", keys=["level"])
        write(self.master, "SET_LOGGING_LEVEL", {"level": 1, "duration": {"nanoseconds": 10**9}})
        self.rows.add(MASTER, "SET_LOGGING_LEVEL", note="for the given time")
        self.read("GET_STATE", keys=["get_tasks", "get_executors", "get_frameworks", "get_agents"])
        agents = self.read("GET_AGENTS", keys=["agents", "recovered_agents"])["agents"]
        check("both agents are active", [agent["active"] for agent in agents] == [True, True], agents)
        self.ids = sorted(agent["agent_info"]["id"]["value"] for agent in agents)
        self.read("GET_FRAMEWORKS", keys=["frameworks", "completed_frameworks"])
        self.read("GET_EXECUTORS")
        self.read("GET_OPERATIONS")
        self.read("GET_TASKS", keys=["tasks", "completed_tasks", "unreachable_tasks"])
        self.read("GET_ROLES")
        self.read("GET_MASTER", keys=["master_info", "start_time", "elected_time"])

    def files(self):
        refused(self.master, "LIST_FILES", {"path": "/no/such"}, 404, "")
        self.rows.add(MASTER, "LIST_FILES", note="404 for what is not there")
        refused(self.master, "READ_FILE", {"path": "/no/such", "offset": 0}, 404, "")
        self.rows.add(MASTER, "READ_FILE", note="404 for what is not there")

    def weights_and_quota(self):
        write(self.master, "UPDATE_WEIGHTS", {"weight_infos": [{"role": "coverage", "weight": 2.5}]})
        self.rows.add(MASTER, "UPDATE_WEIGHTS", note="kept in the registry")
        weights = self.read("GET_WEIGHTS")["weight_infos"]
        check("the weight is there", {"role": "coverage", "weight": 2.5} in weights, weights)
        refused(self.master, "UPDATE_WEIGHTS", {"weight_infos": [{"role": "coverage", "weight": -1}]}, 400, "")
        write(self.master, "UPDATE_WEIGHTS", {"weight_infos": [{"role": "coverage", "weight": 1.0}]})

        config = {"role": "limited", "guarantees": {"cpus": {"value": 0.5}}, "limits": {"cpus": {"value": 1.0}}}
        write(self.master, "UPDATE_QUOTA", {"quota_configs": [config]})
        self.rows.add(MASTER, "UPDATE_QUOTA", note="guarantees and limits, kept in the registry")
        status = self.read("GET_QUOTA")["status"]
        found = one(status["configs"], "the quota", lambda config: config["role"] == "limited")
        check("its limit is there", found["limits"]["cpus"]["value"] == 1.0, found)
        write(self.master, "UPDATE_QUOTA", {"quota_configs": [{"role": "limited"}]})
        write(self.master, "SET_QUOTA", {"quota_request": {"role": "limited", "guarantee": [scalar("cpus", 0.5)]}})
        self.rows.add(MASTER, "SET_QUOTA", note="deprecated: guarantee and limit are the same")
        write(self.master, "REMOVE_QUOTA", {"role": "limited"})
        self.rows.add(MASTER, "REMOVE_QUOTA", note="deprecated")

    def reservations(self):
        agent_id = {"value": self.ids[1]}
        reservation = [{"type": "DYNAMIC", "role": "operators", "principal": "coverage"}]
        disk = scalar("disk", 32, reservations=reservation)
        volume = scalar("disk", 32, reservations=reservation, disk={
            "persistence": {"id": "operators-1", "principal": "coverage"},
            "volume": {"container_path": "data", "mode": "RW"}})
        write(self.master, "RESERVE_RESOURCES", {"agent_id": agent_id, "resources": [disk]}, 202)
        self.rows.add(MASTER, "RESERVE_RESOURCES")
        self.settled(1, lambda total: any("operators" in str(each.get("reservations")) for each in total))
        write(self.master, "CREATE_VOLUMES", {"agent_id": agent_id, "volumes": [volume]}, 202)
        self.rows.add(MASTER, "CREATE_VOLUMES")
        self.settled(1, lambda total: any("persistence" in each.get("disk", {}) for each in total))
        extra = scalar("disk", 8, reservations=reservation)
        write(self.master, "RESERVE_RESOURCES", {"agent_id": agent_id, "resources": [extra]}, 202)
        grown = {"agent_id": agent_id, "volume": volume, "addition": extra}
        answer = operator_call(self.master, "GROW_VOLUME", grown)
        check("GROW_VOLUME is answered", answer.status in (202, 400), answer)
        self.rows.add(MASTER, "GROW_VOLUME", DONE if answer.status == 202 else UNSUPPORTED, answer.text)
        size = 40.0 if answer.status == 202 else 32.0
        self.settled(1, lambda total: any(
            "persistence" in each.get("disk", {}) and each["scalar"]["value"] == size for each in total))
        volume["scalar"]["value"] = size
        answer = operator_call(
            self.master, "SHRINK_VOLUME", {"agent_id": agent_id, "volume": volume, "subtract": {"value": 8}})
        check("SHRINK_VOLUME is answered", answer.status in (202, 400), answer)
        self.rows.add(MASTER, "SHRINK_VOLUME", DONE if answer.status == 202 else UNSUPPORTED, answer.text)
        volume["scalar"]["value"] = size - 8 if answer.status == 202 else size
        self.settled(1, lambda total: any(
            "persistence" in each.get("disk", {}) and each["scalar"]["value"] == volume["scalar"]["value"]
            for each in total))
        write(self.master, "DESTROY_VOLUMES", {"agent_id": agent_id, "volumes": [volume]}, 202)
        self.rows.add(MASTER, "DESTROY_VOLUMES")
        self.settled(1, lambda total: not any("persistence" in each.get("disk", {}) for each in total))
        write(self.master, "UNRESERVE_RESOURCES", {
            "agent_id": agent_id, "resources": [scalar("disk", 40, reservations=reservation)]}, 202)
        self.rows.add(MASTER, "UNRESERVE_RESOURCES")
        self.settled(1, lambda total: "operators" not in str(total))

    def settled(self, index, wanted):
        """Waits until an agent's total resources are so."""
        for _ in range(100):
            agents = json.loads(operator_call(self.master, "GET_AGENTS").text)["get_agents"]["agents"]
            total = one(agents, "the agent", lambda a: a["agent_info"]["id"]["value"] == self.ids[index])[
                "total_resources"]
            if wanted(total):
                return
            time.sleep(0.1)
        check("the agent's resources become as asked for", False, total)

    def life(self):
        """A framework and a task come and go; the stream tells of it."""
        info = framework("operator", failover_timeout=0)
        subscription = Subscription(self.master, info)
        subscription.opened()
        ours = subscription.framework_id
        self.stream.until("FRAMEWORK_ADDED", lambda e: e["framework_added"]["framework"]["framework_info"]["id"] == ours)
        self.rows.add(EVENTS, "FRAMEWORK_ADDED")
        subscription.call("UPDATE_FRAMEWORK", framework_info={**info, "id": ours, "webui_url": "http://x.example/"})
        self.stream.until("FRAMEWORK_UPDATED")
        self.rows.add(EVENTS, "FRAMEWORK_UPDATED")
        offer = subscription.offers_of(1)[0]
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task_of(offer, "watched", "sleep 300")]}}
        subscription.accepted("ACCEPT", offer_ids=[offer["id"]], operations=[launch])
        self.stream.until("TASK_ADDED", lambda e: e["task_added"]["task"]["task_id"] == {"value": "watched"})
        self.rows.add(EVENTS, "TASK_ADDED")
        self.stream.until("TASK_UPDATED", lambda e: e["task_updated"]["framework_id"] == ours)
        self.rows.add(EVENTS, "TASK_UPDATED")
        self.agent_calls()
        write(self.master, "TEARDOWN", {"framework_id": ours})
        self.rows.add(MASTER, "TEARDOWN")
        self.stream.until("FRAMEWORK_REMOVED", lambda e: e["framework_removed"]["framework_info"]["id"] == ours)
        self.rows.add(EVENTS, "FRAMEWORK_REMOVED")
        refused(self.master, "TEARDOWN", {"framework_id": ours}, 400, "No framework found with specified ID")

    def maintenance(self):
        machine = {"hostname": "elsewhere.example", "ip": "10.9.8.7"}
        window = {"machine_ids": [machine], "unavailability": {"start": {"nanoseconds": 4102444800 * 10**9}}}
        write(self.master, "UPDATE_MAINTENANCE_SCHEDULE", {"schedule": {"windows": [window]}})
        self.rows.add(MASTER, "UPDATE_MAINTENANCE_SCHEDULE", note="kept in the registry")
        schedule = self.read("GET_MAINTENANCE_SCHEDULE")["schedule"]
        check("the window is there", schedule["windows"][0]["machine_ids"] == [machine], schedule)
        status = self.read("GET_MAINTENANCE_STATUS")["status"]
        check("the machine drains", [each["id"] for each in status["draining_machines"]] == [machine], status)
        write(self.master, "START_MAINTENANCE", {"machines": [machine]})
        self.rows.add(MASTER, "START_MAINTENANCE")
        down = read(self.master, "GET_MAINTENANCE_STATUS")["status"]["down_machines"]
        check("the machine is down", down == [machine], down)
        write(self.master, "STOP_MAINTENANCE", {"machines": [machine]})
        self.rows.add(MASTER, "STOP_MAINTENANCE")
        refused(self.master, "STOP_MAINTENANCE", {"machines": [machine]}, 400, "is not part of a maintenance schedule")

    def agents(self):
        """Ends the second agent: nothing may follow that needs it."""
        agent_id = {"value": self.ids[1]}
        write(self.master, "DEACTIVATE_AGENT", {"agent_id": agent_id})
        self.rows.add(MASTER, "DEACTIVATE_AGENT", note="kept in the registry")
        write(self.master, "REACTIVATE_AGENT", {"agent_id": agent_id})
        self.rows.add(MASTER, "REACTIVATE_AGENT")
        refused(self.master, "REACTIVATE_AGENT", {"agent_id": agent_id}, 400, "Agent is not deactivated")
        write(self.master, "DRAIN_AGENT", {"agent_id": agent_id, "max_grace_period": {"seconds": 1}})
        self.rows.add(MASTER, "DRAIN_AGENT", note="kept in the registry")
        for _ in range(100):
            agents = json.loads(operator_call(self.master, "GET_AGENTS").text)["get_agents"]["agents"]
            drained = one(agents, "the drained agent", lambda a: a["agent_info"]["id"] == agent_id)
            if drained.get("drain_info", {}).get("state") == "DRAINED":
                break
            time.sleep(0.1)
        check("an agent without tasks is drained", drained["drain_info"]["state"] == "DRAINED", drained)
        write(self.master, "REACTIVATE_AGENT", {"agent_id": agent_id})
        write(self.master, "MARK_AGENT_GONE", {"agent_id": agent_id})
        self.rows.add(MASTER, "MARK_AGENT_GONE", note="for good; kept in the registry")
        self.stream.until("AGENT_REMOVED", lambda e: e["agent_removed"]["agent_id"] == agent_id)
        self.rows.add(EVENTS, "AGENT_REMOVED")
        refused(self.master, "MARK_AGENT_GONE", {"agent_id": {"value": "nobody"}}, 404, "not found")
        newcomer = FakeAgent(self.master)
        self.stream.until("AGENT_ADDED", lambda e: e["agent_added"]["agent"]["agent_info"]["id"] == {
            "value": newcomer.id})
        newcomer.unregister()
        self.rows.add(EVENTS, "AGENT_ADDED", note="here of an agent of the test's own")

    # The agent's own API

    def agent_calls(self):
        for kind in [
            "GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_METRICS", "GET_LOGGING_LEVEL", "GET_STATE",
            "GET_CONTAINERS", "GET_FRAMEWORKS", "GET_EXECUTORS", "GET_OPERATIONS", "GET_TASKS", "GET_AGENT",
            "GET_RESOURCE_PROVIDERS",
        ]:
            read(self.agent, kind, {} if kind == "GET_METRICS" else None)
            self.rows.add(AGENT, kind)
        write(self.agent, "SET_LOGGING_LEVEL", {"level": 1, "duration": {"nanoseconds": 10**9}})
        self.rows.add(AGENT, "SET_LOGGING_LEVEL", note="for the given time")
        refused(self.agent, "LIST_FILES", {"path": "/no/such"}, 404, "")
        self.rows.add(AGENT, "LIST_FILES", note="404 for what is not there")
        refused(self.agent, "READ_FILE", {"path": "/no/such", "offset": 0}, 404, "")
        self.rows.add(AGENT, "READ_FILE", note="404 for what is not there")
        container = {"container_id": {"value": "none"}}
        command = {"command": {"value": "true"}}
        nested = {"container_id": {"value": "none", "parent": {"value": "none"}}, **command}
        provider = {"info": {"type": "org.example.none", "name": "none"}}
        unknown, parent = (404, "404 for what is not there"), (400, "400 without a running parent")
        for kind, body, (status, note) in [
            ("LAUNCH_NESTED_CONTAINER", nested, parent), ("LAUNCH_NESTED_CONTAINER_SESSION", nested, parent),
            ("WAIT_NESTED_CONTAINER", container, unknown), ("KILL_NESTED_CONTAINER", container, unknown),
            ("REMOVE_NESTED_CONTAINER", container, unknown),
            ("ATTACH_CONTAINER_INPUT", {"type": "CONTAINER_ID", **container}, (415, "415 unless it is a stream of records")),
            ("ATTACH_CONTAINER_OUTPUT", container, unknown),
            ("LAUNCH_CONTAINER", {**container, **command}, (400, "400 for a standalone container: there are none")),
            ("WAIT_CONTAINER", container, unknown), ("KILL_CONTAINER", container, unknown),
            ("REMOVE_CONTAINER", container, unknown),
        ]:
            refused(self.agent, kind, body, status, "")
            self.rows.add(AGENT, kind, note=note)
        write(self.agent, "PRUNE_IMAGES", {})
        self.rows.add(AGENT, "PRUNE_IMAGES", note="images that have lost their name")
        for kind, body in [
            ("ADD_RESOURCE_PROVIDER_CONFIG", provider), ("UPDATE_RESOURCE_PROVIDER_CONFIG", provider),
            ("REMOVE_RESOURCE_PROVIDER_CONFIG", provider["info"]),
            ("MARK_RESOURCE_PROVIDER_GONE", {"resource_provider_id": {"value": "none"}}),
            ("UNKNOWN", None),
        ]:
            answer = operator_call(self.agent, kind, body)
            check(f"{kind} is answered in words", 400 <= answer.status <= 501 and answer.text, answer)
            self.rows.add(AGENT, kind, UNSUPPORTED, f"{answer.status}: {answer.text}")
