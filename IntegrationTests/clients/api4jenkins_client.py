"""Drives the practice controller with api4jenkins, by password, so with crumb and session cookie."""

import re
import sys

from api4jenkins import Jenkins
from api4jenkins.exceptions import BadRequestError

from practice_common import URL, USER, Agent, check, eventually, job_xml

PASSWORD = sys.argv[5]
server = Jenkins(URL + "/", auth=(USER, PASSWORD), follow_redirects=False)

check("the version is digits and dots", re.fullmatch(r"[0-9.]+", server.version))
check("a crumb is issued", server.crumb.get("Jenkins-Crumb"))
check("the user is known", server.user.full_name == USER)

server.create_job("aj-sample", job_xml("echo hello from aj; sleep 1", label="aj &amp;&amp; !other"))
job = server.get_job("aj-sample")
check("the job is a freestyle project", type(job).__name__ == "FreeStyleProject" and job.exists())
check("the label expression is exported", job.label_expression == "aj && !other")
try:
    server.create_job("aj-sample", job_xml("true"))
    raise SystemExit("a second job of the same name was taken")
except BadRequestError as error:
    check("a second job of the same name is refused", "already exists" in str(error))

item = server.build_job("aj-sample")
eventually("the item is buildable", lambda: item._class.endswith("BuildableItem"))
check("the item can be found by its id", server.queue.get(item.id) is not None)

server.nodes.create("aj-node", labelString="aj sample", numExecutors=1)
node = server.nodes.get("aj-node")
check("the node is an agent", type(node).__name__ == "SlaveComputer" and node.offline)
check("the node's configuration is XML", "<label>aj sample</label>" in node.configure())
check("labels are listed", "aj-node" in [found.name for found in server.nodes.filter_node_by_label("sample")])
jnlp = node.handle_req("GET", "slave-agent.jnlp").text
secret = re.search(r"<argument>([0-9a-f]{64})</argument>", jnlp).group(1)

with Agent("aj-node", secret):
    build = eventually("the item becomes a build", item.get_build)
    check("the build belongs to the item", build.queue_id == item.id)
    check("the output can be followed", "hello from aj" in "".join(build.progressive_output()))
    eventually("the build ends", lambda: not build.building)
    check("the build succeeds", build.result == "SUCCESS" and build.built_on == "aj-node")
    check("the whole console is kept", "Finished: SUCCESS" in list(build.console_text()))

    node.disable("drained by a test")
    check("the node is drained", node.temporarily_offline and node.offline_cause_reason == "drained by a test")
    node.enable()
    check("the node is back", not node.offline)

    server.create_job("aj-long", job_xml("sleep 60", label="aj"))
    item = server.build_job("aj-long", delay="0sec")
    build = eventually("the long build starts", item.get_build)
    eventually("the build is found on its node", lambda: build in list(server.nodes.iter_builds()))
    node.delete()
    eventually("deleting the node fails the build", lambda: build.result == "FAILURE")

server.create_job("aj-parameters", job_xml("echo $COLOUR", parameter="COLOUR"))
item = server.build_job("aj-parameters", COLOUR="green", delay="60sec")
check("parameters are in the queue", item.get_parameters()[0].value == "green")
item.cancel()
check("the item is cancelled", item.api_json()["cancelled"])

check("the node is gone", server.nodes.get("aj-node") is None)
for job in list(server):
    job.delete()
check("the jobs are gone", server.get_job("aj-sample") is None)
print("api4jenkins: done")
