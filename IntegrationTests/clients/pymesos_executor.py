"""An executor on pymesos: runs each task in a thread until a file appears, and answers messages.

Arguments: the file that ends tasks, a file to which every start and every task's end is appended.
"""

import sys
import threading
import time
import uuid

from pymesos import Executor, MesosExecutorDriver, decode_data, encode_data

GATE, RECORD = sys.argv[1:3]


def note(line):
    with open(RECORD, "a", encoding="utf-8") as file:
        file.write(line + "\n")


class Runner(Executor):
    def registered(self, driver, executor_info, framework_info, agent_info):
        note(f"registered {executor_info['executor_id']['value']}")

    def reregistered(self, driver, agent_info):
        note("reregistered")

    def launchTask(self, driver, task):
        threading.Thread(target=self.work, args=(driver, task), daemon=True).start()

    def work(self, driver, task):
        self.say(driver, task, "TASK_RUNNING")
        while True:
            try:
                with open(GATE, encoding="utf-8"):
                    break
            except FileNotFoundError:
                time.sleep(0.05)
        note(f"done {task['task_id']['value']}")
        self.say(driver, task, "TASK_FINISHED")

    def say(self, driver, task, state):
        """Until it is said: the agent may be away just now."""
        update = {
            "task_id": task["task_id"], "state": state, "message": decode_data(task["data"]).decode(),
            "uuid": encode_data(uuid.uuid4().bytes), "timestamp": time.time(),
        }
        while True:
            try:
                return driver.sendStatusUpdate(update)
            except Exception as error:  # pylint: disable=broad-except
                print(f"{state} of {update['task_id']['value']}: {error}", file=sys.stderr, flush=True)
                time.sleep(0.1)

    def frameworkMessage(self, driver, message):
        driver.sendFrameworkMessage(encode_data(b"heard " + decode_data(message)))

    def killTask(self, driver, task_id):
        driver.sendStatusUpdate({"task_id": task_id, "state": "TASK_KILLED", "timestamp": time.time()})

    def shutdown(self, driver):
        note("shutdown")


if __name__ == "__main__":
    note("started")
    MesosExecutorDriver(Runner()).run()
