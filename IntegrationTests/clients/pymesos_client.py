"""A framework on pymesos: runs shell commands through a change of leader, each exactly once.

Arguments: the masters' zk:// URL, the number of jobs, a file to which every job's command appends its name.
Prints one line for each finished job, so that a test can act in the middle, and leaves with 0 if all is well.
"""

import getpass
import sys
import threading

from pymesos import MesosSchedulerDriver, Scheduler

MASTERS, JOBS, RECORD = sys.argv[1], int(sys.argv[2]), sys.argv[3]
JOBS_PER_OFFER = 2
CPUS, MEMORY = 0.02, 16.0
RECONCILE_SECONDS, DEADLINE_SECONDS = 2.0, 80.0


class Jobs(Scheduler):
    """Launches every job as a task; a task that is lost on its way is launched again under a new id."""

    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = [f"job-{number}" for number in range(JOBS)]
        self.attempts = {job: 0 for job in self.waiting}
        self.running = {}  # task id -> job
        self.launched = set()  # the ids of those whose launch is behind us: only these may be asked about
        self.finished = {}  # job -> uuid of its TASK_FINISHED
        self.delivered = {}  # uuid -> in which subscriptions it arrived
        self.subscriptions = 0
        self.over = threading.Event()
        self.failure = None

    def fail(self, what):
        self.failure = self.failure or what
        self.over.set()

    def registered(self, driver, framework_id, master_info):
        self.subscribed("registered", master_info)
        print(f"framework {framework_id['value']}", flush=True)

    def reregistered(self, driver, master_info):
        self.subscribed("reregistered", master_info)

    def subscribed(self, how, master_info):
        self.subscriptions += 1
        print(f"{how} with {master_info['hostname']}:{master_info['port']} {master_info['version']}", flush=True)

    def disconnected(self, driver):
        print("disconnected", flush=True)

    def resourceOffers(self, driver, offers):
        for offer in offers:
            with self.lock:
                room = min(self.room(offer), JOBS_PER_OFFER)
                jobs, self.waiting = self.waiting[:room], self.waiting[room:]
                tasks = [self.task(job, offer) for job in jobs]
            try:
                # No task declines the offer. The short filter lets the rest of the agent come back at once.
                driver.launchTasks(offer["id"], tasks, {"refuse_seconds": 0.5})
            finally:
                with self.lock:
                    self.launched.update(task["task_id"]["value"] for task in tasks)

    @staticmethod
    def room(offer):
        amounts = {resource["name"]: resource.get("scalar", {}).get("value", 0) for resource in offer["resources"]}
        return int(min(amounts.get("cpus", 0) / CPUS, amounts.get("mem", 0) / MEMORY))

    def task(self, job, offer):
        self.attempts[job] += 1
        task_id = f"{job}.{self.attempts[job]}"
        self.running[task_id] = job
        seconds = 0.3 + int(job.split("-")[1]) % 7 * 0.2
        return {
            "task_id": {"value": task_id},
            "agent_id": offer["agent_id"],
            "name": job,
            "command": {"value": f"sleep {seconds:.1f} && echo {job} >>{RECORD}"},
            "resources": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": CPUS}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": MEMORY}},
            ],
        }

    def statusUpdate(self, driver, update):
        task_id, state, uuid = update["task_id"]["value"], update["state"], update.get("uuid")
        with self.lock:
            if uuid is not None:
                subscriptions = self.delivered.setdefault(uuid, [])
                if self.subscriptions in subscriptions:
                    self.fail(f"{task_id}: {state} arrived twice from one leader")
                subscriptions.append(self.subscriptions)
            if state == "TASK_FINISHED" and uuid is not None:
                self.finish(task_id, uuid)
            elif state in ("TASK_LOST", "TASK_DROPPED") and task_id in self.running:
                print(f"lost {task_id}: {update.get('message')}", flush=True)
                self.waiting.append(self.running.pop(task_id))
            elif state in ("TASK_FAILED", "TASK_ERROR", "TASK_KILLED", "TASK_GONE"):
                self.fail(f"{task_id}: {state} {update.get('reason')} {update.get('message')}")

    def finish(self, task_id, uuid):
        job = task_id.split(".")[0]
        self.running.pop(task_id, None)
        if self.finished.setdefault(job, uuid) != uuid:
            return self.fail(f"{job} finished a second time, as {task_id}")
        print(f"finished {len(self.finished)} of {JOBS}: {task_id}", flush=True)
        if len(self.finished) == JOBS:
            self.over.set()

    def error(self, driver, message):
        self.fail(f"ERROR event: {message}")

    def reconcile(self, driver):
        """After a change of leader: asks what became of the tasks that have not ended."""
        with self.lock:
            tasks = [{"task_id": {"value": task_id}} for task_id in self.running if task_id in self.launched]
        if self.subscriptions > 1 and tasks:
            try:
                driver.reconcileTasks(tasks)
            except (OSError, RuntimeError) as error:
                print(f"cannot reconcile just now: {error}", flush=True)


def main():
    jobs = Jobs()
    framework = {"user": getpass.getuser(), "name": "pymesos jobs", "failover_timeout": 60, "checkpoint": True}
    driver = MesosSchedulerDriver(jobs, framework, MASTERS)
    driver.start()
    for _ in range(int(DEADLINE_SECONDS / RECONCILE_SECONDS)):
        if jobs.over.wait(RECONCILE_SECONDS):
            break
        jobs.reconcile(driver)
    driver.stop()
    driver.join()
    repeated = sum(len(subscriptions) > 1 for subscriptions in jobs.delivered.values())
    print(f"{jobs.subscriptions} subscriptions, {repeated} updates repeated, {sum(jobs.attempts.values())} launches")
    if jobs.failure:
        sys.exit(f"failed: {jobs.failure}")
    if len(jobs.finished) < JOBS:
        sys.exit(f"only {len(jobs.finished)} of {JOBS} jobs finished in time; waiting for {sorted(jobs.running)}")
    print("pymesos: done")


main()
