"""A framework on pymesos that proves its principal with HTTP Basic: subscribes, is offered something, and leaves.

Arguments: the master's host:port, the principal, a file that holds its secret.
"""

import getpass
import sys
import threading

from pymesos import MesosSchedulerDriver, Scheduler

MASTER, PRINCIPAL, SECRET_FILE = sys.argv[1:4]


class Look(Scheduler):
    def __init__(self):
        self.offered = threading.Event()

    def registered(self, driver, framework_id, master_info):
        print(f"registered as {framework_id['value']}", flush=True)

    def resourceOffers(self, driver, offers):
        for offer in offers:
            driver.declineOffer(offer["id"], {"refuse_seconds": 5})
        self.offered.set()


def main():
    look = Look()
    framework = {"user": getpass.getuser(), "name": "pymesos basic", "failover_timeout": 0}
    with open(SECRET_FILE, encoding="utf-8") as file:
        secret = file.read().strip()
    driver = MesosSchedulerDriver(look, framework, MASTER, principal=PRINCIPAL, secret=secret)
    driver.start()
    offered = look.offered.wait(30)
    driver.stop()
    driver.join()
    if not offered:
        sys.exit("no offer came")
    print("pymesos: done")


main()
