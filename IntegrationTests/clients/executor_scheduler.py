"""A scheduler on pymesos that gives all its tasks to one custom executor.

Arguments: the master as host:port, the executor's command, the number of tasks to begin with, a file: when it is there,
as many tasks again are launched; and, if the executor is to run in a container, its ContainerInfo as JSON. Ends when every task has finished, each exactly once. Prints what happens.
"""

import getpass
import json
import os
import sys
import threading

from pymesos import MesosSchedulerDriver, Scheduler, decode_data, encode_data

MASTER, COMMAND, FIRST, MORE = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
CONTAINER = {"container": json.loads(sys.argv[5])} if len(sys.argv) > 5 else {}
DEADLINE_SECONDS = 90.0


class OneExecutor(Scheduler):
    def __init__(self):
        self.lock = threading.Lock()
        self.launched = 0
        self.states = {}  # task id -> its states, each once
        self.uuids = set()
        self.message = None
        self.over = threading.Event()
        self.failure = None

    def fail(self, what):
        self.failure = self.failure or what
        self.over.set()

    def registered(self, driver, framework_id, master_info):
        self.framework_id = framework_id
        print(f"framework {framework_id['value']}", flush=True)

    def executor(self):
        return {
            "type": "CUSTOM", "executor_id": {"value": "runner"}, "framework_id": self.framework_id,
            "name": "a runner of tasks", "source": "test", "command": {"value": COMMAND},
            "resources": [resource("cpus", 0.1), resource("mem", 32)], **CONTAINER,
        }

    def resourceOffers(self, driver, offers):
        for offer in offers:
            wanted = FIRST * 2 if os.path.exists(MORE) else FIRST
            with self.lock:
                numbers = range(self.launched, wanted)
                self.launched = max(self.launched, wanted)
            tasks = [{
                "task_id": {"value": f"task-{number}"}, "agent_id": offer["agent_id"], "name": f"task {number}",
                "executor": self.executor(), "data": encode_data(b"payload %d" % number),
                "resources": [resource("cpus", 0.05), resource("mem", 8)],
            } for number in numbers]
            driver.launchTasks(offer["id"], tasks, {"refuse_seconds": 0.2})

    def statusUpdate(self, driver, update):
        task_id, state, uuid = update["task_id"]["value"], update["state"], update.get("uuid")
        with self.lock:
            if uuid in self.uuids:
                return  # Sent again, as updates are until they are acknowledged.
            self.uuids.add(uuid)
            states = self.states.setdefault(task_id, [])
            states.append(state)
            print(f"{task_id} {state} {update.get('reason', '')} {update.get('message', '')}", flush=True)
            if states not in (["TASK_RUNNING"], ["TASK_RUNNING", "TASK_FINISHED"]):
                return self.fail(f"{task_id}: {states} {update}")
            if update["executor_id"]["value"] != "runner" or update["source"] != "SOURCE_EXECUTOR":
                return self.fail(f"not an executor's update: {update}")
            running = sum(states == ["TASK_RUNNING"] for states in self.states.values())
            finished = sum("TASK_FINISHED" in states for states in self.states.values())
        print(f"{running} run, {finished} finished", flush=True)
        if running == FIRST and self.message is None:
            self.message = ""
            driver.sendFrameworkMessage({"value": "runner"}, update["agent_id"], encode_data(b"hello"))
        if finished == FIRST * 2:
            self.over.set()

    def frameworkMessage(self, driver, executor_id, agent_id, message):
        print(f"message {decode_data(message).decode()}", flush=True)

    def executorLost(self, driver, executor_id, agent_id, status):
        print(f"executor lost {executor_id['value']} {status}", flush=True)

    def error(self, driver, message):
        self.fail(f"ERROR event: {message}")


def resource(name, value):
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def main():
    scheduler = OneExecutor()
    framework = {"user": getpass.getuser(), "name": "one executor", "failover_timeout": 60, "checkpoint": True}
    driver = MesosSchedulerDriver(scheduler, framework, MASTER)
    driver.start()
    scheduler.over.wait(DEADLINE_SECONDS)
    driver.stop()
    driver.join()
    if scheduler.failure:
        sys.exit(f"failed: {scheduler.failure}")
    if not scheduler.over.is_set():
        sys.exit(f"failed: not over in time: {scheduler.states}")
    print("one executor: done")


main()
