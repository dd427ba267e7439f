"""Drives the practice controller with python-jenkins, as its documentation shows."""

import re

import jenkins

from practice_common import TOKEN, URL, USER, Agent, check, eventually, job_xml

server = jenkins.Jenkins(URL, username=USER, password=TOKEN, timeout=10)

check("whoami names the user", server.get_whoami()["fullName"] == USER)
check("the version is digits and dots", re.fullmatch(r"[0-9.]+", server.get_version()))

server.create_job("pj-sample", job_xml("echo hello from pj; sleep 1", label="pj"))
check("the job exists", server.job_exists("pj-sample"))
check("another job does not", not server.job_exists("pj-other"))
check("the configuration comes back", "hello from pj" in server.get_job_config("pj-sample"))
check("the job is listed", "pj-sample" in [job["name"] for job in server.get_all_jobs()])
try:
    server.create_job("pj-sample", job_xml("true"))
    raise SystemExit("a second job of the same name was taken")
except jenkins.JenkinsException as error:
    check("a second job of the same name is refused", "already exists" in str(error))

item = server.build_job("pj-sample")
eventually("the item is buildable", lambda: server.get_queue_item(item).get("buildable"))
check("the item is in the queue", item in [entry["id"] for entry in server.get_queue_info()])
check(
    "with no node at all the label is hidden",
    server.get_queue_item(item)["why"] == "Waiting for next available executor",
)

server.create_node("pj-node", numExecutors=1, remoteFS="/tmp/pj", labels="pj sample", launcher=jenkins.LAUNCHER_JNLP)
check("the node exists", server.node_exists("pj-node"))
check("the node starts offline", server.get_node_info("pj-node")["offline"])
check("the reason is the node's", server.get_queue_item(item)["why"] == "‘pj-node’ is offline")
jnlp = server.jenkins_open(jenkins.requests.Request("GET", f"{URL}/computer/pj-node/jenkins-agent.jnlp"))
secret = re.search(r"<argument>([0-9a-f]{64})</argument>", jnlp).group(1)

with Agent("pj-node", secret):
    number = eventually(
        "the item becomes a build", lambda: server.get_queue_item(item).get("executable", {}).get("number")
    )
    check("the running build is found", "pj-sample" in [build["name"] for build in server.get_running_builds()])
    eventually("the build ends", lambda: not server.get_build_info("pj-sample", number)["building"])
    check("the build succeeds", server.get_build_info("pj-sample", number)["result"] == "SUCCESS")
    check("the console is kept", "hello from pj" in server.get_build_console_output("pj-sample", number))
    check("the job knows its last build", server.get_job_info("pj-sample")["lastBuild"]["number"] == number)

    server.create_job("pj-long", job_xml("sleep 60", label="pj"))
    item = server.build_job("pj-long")
    number = eventually("the long build starts", lambda: server.get_queue_item(item).get("executable", {}).get("number"))
    server.stop_build("pj-long", number)
    eventually("the long build is aborted", lambda: server.get_build_info("pj-long", number)["result"] == "ABORTED")

    server.disable_node("pj-node", msg="drained by a test")
    info = server.get_node_info("pj-node")
    check("the node is drained", info["temporarilyOffline"] and info["offlineCauseReason"] == "drained by a test")
    item = server.build_job("pj-sample")
    eventually("the next item waits for the node", lambda: server.get_queue_item(item)["why"] == "‘pj-node’ is offline")
    server.cancel_queue(item)
    check("the item is cancelled", server.get_queue_item(item)["cancelled"])
    server.enable_node("pj-node")
    check("the node is back", not server.get_node_info("pj-node")["offline"])

server.create_job("pj-parameters", job_xml("echo $COLOUR", label="pj", parameter="COLOUR"))
item = server.build_job("pj-parameters", {"COLOUR": "green"})
check("parameters are in the queue", "COLOUR=green" in server.get_queue_item(item)["params"])
server.cancel_queue(item)
server.disable_job("pj-parameters")
check("the job is disabled", not server.get_job_info("pj-parameters")["buildable"])
server.enable_job("pj-parameters")

server.delete_node("pj-node")
check("the node is gone", not server.node_exists("pj-node"))
for name in ["pj-sample", "pj-long", "pj-parameters"]:
    server.delete_job(name)
check("the jobs are gone", not server.job_exists("pj-sample"))
print("python-jenkins: done")
