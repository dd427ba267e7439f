"""A framework on mesoshttp: subscribes through a zk:// URL, runs a few shell commands, tears itself down.

Arguments: the masters' zk:// URL, a file that the tasks wait for, so that others can look at them while they run.
The library handles an event when the one after it begins to arrive, so every step takes until the next offer.
"""

import getpass
import logging
import sys
import threading

from mesoshttp.client import MesosClient

MASTERS, GATE = sys.argv[1:3]
NAMES = ["http-0", "http-1", "http-2"]
DEADLINE_SECONDS = 100.0


class Tasks:
    def __init__(self):
        self.client = MesosClient([MASTERS], frameworkName="mesoshttp tasks", frameworkUser=getpass.getuser())
        self.client.set_failover_timeout(60)
        self.states = {}
        self.launched = False
        self.over = threading.Event()
        for event, handler in [
            (MesosClient.SUBSCRIBED, self.subscribed), (MesosClient.OFFERS, self.offers),
            (MesosClient.UPDATE, self.update), (MesosClient.ERROR, self.fail),
            (MesosClient.DISCONNECTED, self.fail),
        ]:
            self.client.on(event, handler)

    def fail(self, what):
        print(f"failed: {what}", flush=True)
        self.over.set()

    def subscribed(self, driver):
        print(f"framework {self.client.frameworkId}", flush=True)

    def offers(self, offers):
        for offer in offers:
            if self.launched:
                offer.decline({"filters": {"refuse_seconds": 1}})
                continue
            self.launched = True
            offer.accept([self.task(name, offer.get_offer()) for name in NAMES], {"filters": {"refuse_seconds": 1}})

    @staticmethod
    def task(name, offer):
        return {
            "name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"],
            "command": {"value": f"while [ ! -e {GATE} ]; do sleep 0.1; done"},
            "resources": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 16}},
            ],
        }

    def update(self, update):
        name, state = update["status"]["task_id"]["value"], update["status"]["state"]
        print(f"{name} {state}", flush=True)
        self.states[name] = state
        if list(self.states.values()).count("TASK_FINISHED") == len(NAMES):
            self.client.tearDown()
            self.over.set()


logging.basicConfig(level=logging.WARNING, stream=sys.stdout)
tasks = Tasks()
subscription = threading.Thread(target=tasks.client.register, daemon=True)
subscription.start()
if not tasks.over.wait(DEADLINE_SECONDS):
    sys.exit(f"not finished in time: {tasks.states}")
subscription.join(timeout=30)  # It tears down when the next event arrives.
if sorted(name for name, state in tasks.states.items() if state == "TASK_FINISHED") != NAMES or subscription.is_alive():
    sys.exit(f"failed: {tasks.states}, still subscribed: {subscription.is_alive()}")
print("mesoshttp: done")
