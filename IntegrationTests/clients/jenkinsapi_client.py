"""Drives the practice controller with jenkinsapi."""

import re

from jenkinsapi.jenkins import Jenkins
from jenkinsapi.utils.crumb_requester import CrumbRequester

from practice_common import TOKEN, URL, USER, Agent, check, eventually, job_xml

requester = CrumbRequester(baseurl=URL, username=USER, password=TOKEN, timeout=10)
server = Jenkins(URL, username=USER, password=TOKEN, requester=requester, timeout=10)
check("the version is digits and dots", re.fullmatch(r"[0-9.]+", server.version))

job = server.create_job("ja-sample", job_xml("echo hello from ja; sleep 1", label="ja"))
check("the job is listed", "ja-sample" in server.keys())
check("the configuration comes back", "hello from ja" in job.get_config())

node = server.create_node("ja-node", num_executors=2, remote_fs="/tmp/ja", labels="ja sample", exclusive=True)
check("the node is listed", "ja-node" in server.nodes.keys())
check("the node starts offline", not node.is_online() and node.is_jnlpagent())
jnlp = requester.get_url(f"{URL}/computer/ja-node/jenkins-agent.jnlp").text
secret = re.search(r"<argument>([0-9a-f]{64})</argument>", jnlp).group(1)

with Agent("ja-node", secret):
    eventually("the node comes online", node.is_online)
    check("the node is idle", node.is_idle())
    item = job.invoke()
    build = item.block_until_complete(delay=1) or item.get_build()
    check("the build succeeds", build.poll()["result"] == "SUCCESS" and build.is_good())
    check("the build ran on the node", build.get_slave() == "ja-node")
    check("the console is kept", "hello from ja" in build.get_console())
    check("the job knows its last build", job.get_last_good_buildnumber() == build.get_number())

    executors = server.get_executors("ja-node")
    check("both executors are idle", [executor.is_idle() for executor in executors] == [True, True])

    node.poll()  # It decides by what it last read.
    node.set_offline("drained by a test")
    check("the node is drained", node.is_temporarily_offline() and node.offline_reason() == "drained by a test")
    node.set_online()
    check("the node is back", node.is_online())

label = server.get_label("ja")
check("the label's jobs are listed", [name["name"] for name in label.get_tied_job_names()] == ["ja-sample"])
check("the label is offline without its agent", eventually("the agent is gone", lambda: not label.is_online()))

held = job.invoke(quiet_period=60)
check("the item is queued", held.is_queued() and "quiet period" in held.why)
queue = server.get_queue()
check("the queue holds it", queue.get_queue_items_for_job("ja-sample")[0].queue_id == held.queue_id)
queue.delete_item_by_id(held.queue_id)
check("the item is cancelled", held.poll()["cancelled"])

server.delete_node("ja-node")
check("the node is gone", "ja-node" not in server.nodes.keys())
server.delete_job("ja-sample")
check("the job is gone", "ja-sample" not in server.keys())
print("jenkinsapi: done")
