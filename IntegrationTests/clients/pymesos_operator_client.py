"""An operator on pymesos: watches the event stream of the leader and makes every master call pymesos knows.

Arguments: a standby's address (the leader is found by its redirection), the leader's address for the event stream
(pymesos cannot find it through ZooKeeper for operators), a file that appears when a framework may be awaited, an agent's
address. Leaves with 0 if all is well.
"""

import sys
import threading
import time

from pymesos import MesosOperatorAgentDriver, MesosOperatorMasterDriver, OperatorMaster

STANDBY, LEADER, GATE, AGENT = sys.argv[1:5]


class Watcher(OperatorMaster):
    def __init__(self):
        self.seen = {}
        self.changed = threading.Condition()

    def note(self, kind, what):
        with self.changed:
            self.seen.setdefault(kind, []).append(what)
            self.changed.notify_all()

    def await_(self, kind, within=40.0):
        deadline = time.monotonic() + within
        with self.changed:
            while kind not in self.seen:
                if not self.changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() > deadline:
                    raise SystemExit(f"failed: no {kind} within {within} s; seen {list(self.seen)}")
            print(f"ok: {kind}", flush=True)
            return self.seen[kind][0]

    def taskAdded(self, task_info):
        self.note("taskAdded", task_info)

    def taskUpdated(self, task_info):
        self.note("taskUpdated", task_info)

    def frameworkAdded(self, framework_info):
        self.note("frameworkAdded", framework_info)

    def frameworkUpdated(self, framework_info):
        self.note("frameworkUpdated", framework_info)

    def frameworkRemoved(self, framework_info):
        self.note("frameworkRemoved", framework_info)

    def agentAdded(self, agent_info):
        self.note("agentAdded", agent_info)

    def agentRemoved(self, agent_id):
        self.note("agentRemoved", agent_id)


def check(what, condition, seen=None):
    if not condition:
        raise SystemExit(f"failed: {what}; seen: {seen!r}")
    print(f"ok: {what}", flush=True)


def reads(driver):
    check("health", driver.getHealth()["get_health"]["healthy"] is True)
    check("flags", driver.getFlags()["get_flags"]["flags"])
    check("version", driver.getVersion()["get_version"]["version_info"]["version"] == "1.11.0")
    check("metrics", driver.getMetrics(5 * 10**9)["get_metrics"]["metrics"])
    check("logging level", "level" in driver.getLoggingLevel()["get_logging_level"])
    check("state", "get_agents" in driver.getState()["get_state"])
    check("frameworks", "frameworks" in driver.getFrameworks()["get_frameworks"])
    check("executors", driver.getExecutors()["type"] == "GET_EXECUTORS")
    check("tasks", "tasks" in driver.getTasks()["get_tasks"])
    check("agents", len(driver.getAgents()["get_agents"]["agents"]) == 2)
    check("roles", driver.getRoles()["type"] == "GET_ROLES")
    check("master", "hostname" in driver.getMaster()["get_master"]["master_info"])


def writes(driver):
    driver.updateWeights([{"role": "pymesos", "weight": 2.0}])
    weights = driver.getWeights()["get_weights"]["weight_infos"]
    check("weights", {"role": "pymesos", "weight": 2.0} in weights, weights)
    guarantee = [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}}]
    driver.setQuota({"role": "pymesos", "guarantee": guarantee})
    infos = driver.getQuota()["get_quota"]["status"]["infos"]
    check("quota", [info["role"] for info in infos] == ["pymesos"], infos)
    driver.removeQuota("pymesos")
    machine = {"hostname": "pymesos.example", "ip": "10.9.8.5"}
    start = {"start": {"nanoseconds": 4102444800 * 10**9}}
    driver.updateMaintenanceSchedule([{"machine_ids": [machine], "unavailability": start}])
    windows = driver.getMaintenanceSchedule()["get_maintenance_schedule"]["schedule"]["windows"]
    check("maintenance schedule", windows[0]["machine_ids"] == [machine], windows)
    driver.startMaintenance([machine])
    down = driver.getMaintenanceStatus()["get_maintenance_status"]["status"]["down_machines"]
    check("maintenance", down == [machine], down)
    driver.stopMaintenance([machine])


def agent_reads():
    driver = MesosOperatorAgentDriver(AGENT)
    check("the agent's health", driver.getHealth()["get_health"]["healthy"] is True)
    check("the agent's state", "get_tasks" in driver.getState()["get_state"])
    check("the agent's containers", driver.getContainers()["type"] == "GET_CONTAINERS")


watcher = Watcher()
stream = MesosOperatorMasterDriver(LEADER, watcher)
stream.start()
# pymesos finds the leader of its calls by the redirection of whichever master it was given.
driver = MesosOperatorMasterDriver(STANDBY)
reads(driver)
writes(driver)
agent_reads()
deadline = time.monotonic() + 20
while not watcher.seen and time.monotonic() < deadline:
    open(GATE, "w").close()
    time.sleep(0.2)
for kind in ["frameworkAdded", "taskAdded", "taskUpdated", "frameworkRemoved"]:
    watcher.await_(kind)
task = watcher.seen["taskAdded"][0]
check("a task has an id and a state", {"task_id", "state", "agent_id", "framework_id"} <= set(task), task)
print("pymesos operator: done", flush=True)
stream.stop()
sys.exit(0)
