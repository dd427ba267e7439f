"""Makes every call of the protocols once and writes the rows of the coverage page.

Arguments: the leader's URL, an agent's URL, the file for the rows. The cluster has two agents; one is gone afterwards.
"""

import json
import sys

from coverage_endpoints import EndpointCoverage
from coverage_executor import ExecutorCoverage
from coverage_operator import OperatorCoverage
from coverage_rows import Rows
from coverage_scheduler import SchedulerCoverage
from wire_common import request

MASTER, AGENT, OUTPUT = sys.argv[1:4]
rows = Rows()
agent_id = json.loads(request(MASTER, "GET", "/slaves").text)["slaves"][0]["id"]
SchedulerCoverage(MASTER, rows).run()
ExecutorCoverage(MASTER, AGENT, rows).run()
EndpointCoverage(MASTER, AGENT, rows).run(agent_id)
OperatorCoverage(MASTER, AGENT, rows).run()
with open(OUTPUT, "w") as file:
    json.dump(rows.rows, file)
print("coverage: done")
