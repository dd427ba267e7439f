"""Walks through every view of the web page in a real browser, on a real cluster.

    web_pages.py DOCUMENT [SCREENSHOTS]

DOCUMENT is what `mini up --demo --json` printed. Ends with 0 if everything was as it should be.
"""

import base64
import html
import json
import os
import pathlib
import signal
import sys
import time
import urllib.request

from browser import Browser, Failure
import web_terminal
from web_framework import HOSTILE, Framework


def get(url):
    return json.loads(urllib.request.urlopen(url, timeout=10).read())


def leader_of(document):
    for _ in range(150):
        for master in document["masters"]:
            try:
                if get(master["url"] + "/masters")["availability"] == "leading":
                    return master
            except OSError:
                continue
        time.sleep(0.2)
    raise Failure("no master leads")


class Walk:
    def __init__(self, document, shots):
        self.document = document
        self.shots = shots
        self.leader = leader_of(document)
        self.base = self.leader["url"]
        self.number = 0

    def go(self, path):
        self.page.open(f"{self.base}/#/{path}")

    def shot(self, name):
        if self.shots:
            self.number += 1
            self.page.screenshot(f"{self.shots}/{self.number:02}-{name}.png")

    def clean(self, what):
        """Nothing complained, nothing of the hostile framework was taken for markup."""
        complaints = self.page.complaints()
        if complaints:
            raise Failure(f"{what}: the console says {complaints}")
        hacked = self.page.run("window.hacked ?? null")
        if hacked:
            raise Failure(f"{what}: a {hacked} was taken for markup")
        markup = self.page.run("document.querySelectorAll('main img, main b, main i, main u, main script, main iframe').length")
        if markup:
            raise Failure(f"{what}: there are elements that nobody asked for")
        links = self.page.run("[...document.querySelectorAll('a[href]')].map((a) => a.href)"
                              ".filter((link) => !/^https?:/.test(link))")
        if links:
            raise Failure(f"{what}: links to {links}")
        print(f"{what}: as it should be")

    def run(self, browser):
        framework = Framework(self.base.removeprefix("http://"))
        try:
            framework.launch([
                ("broken", HOSTILE, "echo starting; echo 'cannot open <b>config</b>' >&2; exit 3"),
                ("steady", "steady task", "mkdir -p out/deep; echo inside > out/deep/file.txt; i=0; while true; do i=$((i+1));"
                 " echo \"line $i <script>window.hacked='log'</script>\"; sleep 0.2; done")])
            framework.wait(lambda: framework.states.get("broken") == "TASK_FAILED"
                           and framework.states.get("steady") == "TASK_RUNNING")
            self.framework = framework
            self.page = browser.page(1280, 900)
            for step in (self.standby, self.cluster, self.agents, self.frameworks, self.tasks, self.task, self.files,
                         self.terminal, self.roles, self.jenkins, self.maintenance, self.history, self.narrow, self.live,
                         self.change_of_leader):
                step()
        finally:
            framework.close()

    # A standby sends its visitors to the leader, to the same view.
    def standby(self):
        standby = next(master for master in self.document["masters"] if master["url"] != self.base)
        self.page.open(standby["url"] + "/#/agents")
        self.page.wait("the leader's page is open", f"location.origin === {json.dumps(self.base)}")
        self.page.wait("the view is the one asked for", "location.hash === '#/agents' && document.querySelector('h1')?.innerText === 'Agents'")
        self.clean("a standby")

    def cluster(self):
        page = self.page
        self.go("")
        page.wait_for_text("leads since")
        page.wait_for_text(self.base.removeprefix("http://") + " leads")
        for word in ("CPUs", "GPUs", "Mem", "Disk", "Total", "Allocated", "Offered", "Idle", "3 members of the election"):
            page.wait_for_text(word)
        page.wait_for_text("2 active agents")
        page.wait_for_text("Went wrong")
        page.wait_for_text(HOSTILE)
        page.wait("failures are counted", "[...document.querySelectorAll('.countLink')].some((one) => /failed\\s*\\d/.test(one.innerText))")
        page.wait("it follows the events", "document.querySelector('.live')?.innerText.trim() === 'live'")
        self.shot("cluster")
        # The theme: as the system has it, light, dark.
        for theme in ("light", "dark"):
            page.click("button.theme")
            page.wait(f"the theme is {theme}", f"document.documentElement.dataset.theme === '{theme}'")
        self.shot("cluster-dark")
        self.go("agents")
        page.run("location.reload()")
        page.wait("the theme is remembered", "document.documentElement.dataset.theme === 'dark'")
        page.click("button.theme")
        self.go("")
        self.clean("the cluster")

    def agents(self):
        page = self.page
        self.go("agents")
        rows = "document.querySelectorAll('tbody tr:not(.spacer)').length"
        page.wait("two agents are shown", f"{rows} === 2")
        port = self.document["agents"][0]["url"].rsplit(":", 1)[1]
        page.press("/")
        page.wait("the filter has the focus", "document.activeElement.type === 'search'")
        page.type(port)
        page.wait("one agent is left", f"{rows} === 1")
        page.wait("the address tells the filter", f"location.hash.includes('q={port}')")
        page.run("location.reload()")
        page.wait("the filter survives a reload", f"{rows} === 1")
        self.go("agents")
        page.wait("both are back", f"{rows} === 2")
        page.click("th button", "CPUs")
        page.wait("they are sorted", "document.querySelector('th[aria-sort=descending]')?.innerText.startsWith('CPUs')")
        self.shot("agents")
        page.run("document.querySelector('.scroller').focus()")
        page.press("ArrowDown")
        page.press("Enter")
        page.wait("the keys lead to an agent", "location.hash.startsWith('#/agents/')")
        page.wait_for_text("Facts")
        page.wait_for_text("slave(1)@127.0.0.1")
        self.shot("agent")
        self.clean("agents")

    def frameworks(self):
        page = self.page
        self.go("frameworks")
        page.wait_for_text(HOSTILE)
        self.shot("frameworks")
        page.click("td a", HOSTILE)
        page.wait_for_text("javascript:window.hacked")
        page.wait_for_text("web/team")
        page.wait_for_text("steady task")
        self.shot("framework")
        self.clean("frameworks")

    def tasks(self):
        page = self.page
        self.go("tasks")
        page.wait_for_text("steady task")
        page.click(".choice button", "Went wrong")
        page.wait("only what failed is shown", "!document.querySelector('main').innerText.includes('steady task')"
                  " && document.querySelector('main').innerText.includes('onerror')")
        page.wait_for_text("exited with status 3")
        self.shot("tasks")
        page.click("td a", HOSTILE)
        page.wait("the task is open", "location.hash.startsWith('#/tasks/')")
        self.clean("tasks")

    # Why did it fail, and what did it say?
    def task(self):
        page = self.page
        page.wait_for_text("It ended and did not succeed")
        page.wait_for_text("exited with status 3")
        page.wait("its error output is there, and first", "document.querySelector('.logs pre')?.innerText.includes('cannot open <b>config</b>')")
        page.wait("its output is there", "document.querySelectorAll('.logs pre')[1]?.innerText.includes('starting')")
        self.shot("failed-task")
        self.clean("a failed task")

    def steady(self, more=""):
        agent = next(task for task in get(self.base + "/tasks")["tasks"] if task["id"] == "steady")["slave_id"]
        return f"tasks/{self.framework.id}/steady?agent={agent}{more}"

    def files(self):
        page = self.page
        self.go(self.steady())
        page.wait("its output grows", "document.querySelector('.logs pre')?.innerText.includes('line 30 <script>')", 60)
        before = page.run("document.querySelector('.logs pre').innerText.length")
        page.wait("it goes on growing", f"document.querySelector('.logs pre').innerText.length > {before}")
        page.wait("figures are drawn", "document.querySelectorAll('.chart polyline').length === 2", 30)
        page.click(".logs input[type=search]")
        page.type("line 1")
        page.wait("what was searched for is found", "/found/.test(document.querySelector('.logs .tools').innerText)")
        page.press("Enter", virtual=13)
        page.wait("one is shown", "/ of /.test(document.querySelector('.logs .tools').innerText)")
        page.wait("it is marked", "CSS.highlights.get('search').size > 5 && CSS.highlights.get('search-current').size === 1")
        page.click(".logs button", "Follow")
        page.click(".logs button", "Wrap")
        page.click(".files button", "out/")
        page.click(".files button", "deep/")
        page.click(".files button", "file.txt")
        page.wait_for_text("inside", within=".shownFile pre")
        page.wait("the address tells the file", "location.hash.includes('file=out%2Fdeep%2Ffile.txt')")
        link = page.run("document.querySelector('.files a[download]').href")
        with urllib.request.urlopen(link, timeout=10) as download:
            body, how = download.read(), download.headers["Content-Disposition"]
        if body != b"inside\n" or "attachment" not in how:
            raise Failure(f"the download is {body} as {how}")
        self.shot("running-task")
        self.clean("a running task and its files")

    def terminal(self):
        web_terminal.screens(self.page)
        self.go(self.steady())
        web_terminal.shell(self.page, self.shot)
        self.clean("a terminal")

    # Which role holds what, and why does one get nothing?
    def roles(self):
        page = self.page
        self.go("roles")
        page.wait_for_text("web/team")
        page.wait("the shares are drawn", "document.querySelectorAll('.share svg').length >= 2")
        self.shot("roles")
        self.go("roles/web%2Fteam")
        page.wait_for_text("Why does this role get what it gets?")
        page.wait_for_text("It holds 0.1 CPUs, 32 MB memory.")
        page.wait_for_text("has said that it wants no offers now")
        page.click("td a", "steady task")
        page.wait("the role's task is open", "location.hash.startsWith('#/tasks/')")
        self.go("roles/nobody")
        page.wait_for_text("Nobody is subscribed to this role now")
        page.click("main a", "what it held before")
        page.wait("its history is open", "location.hash.startsWith('#/history?') && location.hash.includes('role=nobody')")
        self.go("roles/web%2Fteam")
        page.wait_for_text("Why does this role get what it gets?")
        self.shot("role")
        self.clean("roles")

    # Why does a build wait, and what is the task of one that runs?
    def jenkins(self):
        page = self.page
        self.go("jenkins")
        page.wait_for_text("Queue")
        page.wait_for_text("demo-plain")
        page.wait_for_text("ready")
        self.build("nobody-serves-it", "gpu <b>big</b>", 1)
        self.build("long-one", "demo-plain", 40)
        page.wait_for_text("1 build waits", 60)
        page.wait("the queue tells the build and why it waits", "[...document.querySelectorAll('td')].some((one) =>"
                  " one.innerText.includes('nobody-serves-it')) && /label|template/i.test("
                  "document.querySelector('section.card tbody tr:not(.spacer) td:last-child').innerText)")
        page.wait("the reason stands there in whole", "/^1 build: .*gpu/.test(document.querySelector('.reasonList li')?.innerText)")
        page.wait_for_text("long-one #1", 60)
        self.shot("jenkins")
        page.click("td a", "task and output")
        page.wait("the build's task is open", "location.hash.startsWith('#/tasks/')")
        page.wait_for_text("It runs.")
        self.shot("jenkins-task")
        self.clean("Jenkins")

    def build(self, name, label, seconds):
        """A job on the practice Jenkins, and one build of it."""
        token = pathlib.Path(self.document["work_dir"], "jenkins-token").read_text().strip()
        keys = "Basic " + base64.b64encode(f"demo:{token}".encode()).decode()
        job = ("<project><assignedNode>" + html.escape(label) + "</assignedNode><canRoam>false</canRoam><builders>"
               f"<hudson.tasks.Shell><command>sleep {seconds}</command></hudson.tasks.Shell></builders></project>")
        for path, body in ((f"/createItem?name={name}", job), (f"/job/{name}/build", "")):
            request = urllib.request.Request(self.document["jenkins"]["url"] + path, body.encode(), {
                "Authorization": keys, "Content-Type": "application/xml; charset=utf-8"})
            urllib.request.urlopen(request, timeout=10).read()

    def maintenance(self):
        self.go("maintenance")
        self.page.wait_for_text("Nothing is planned.")
        self.page.wait_for_text("All are in service.")
        self.shot("maintenance")
        self.go("nowhere")
        self.page.wait_for_text("There is no such view")
        self.clean("maintenance")

    # The leader records from its first moments on; plots need no second look.
    def history(self):
        page = self.page
        self.go("history")
        page.wait("the four plots are drawn", "document.querySelectorAll('.plots .chart svg path.line').length >= 4", 30)
        page.wait("of a young cluster, the hour", "document.querySelector('.tools a[aria-current=true]')?.innerText === 'Hour'")
        page.wait_for_text("Builds at a time")
        page.click(".tools a", "31 days")
        page.wait("the month is asked for", "location.hash.includes('range=month')"
                  " && document.querySelectorAll('.plots .chart svg path.line').length >= 4")
        self.shot("history")
        self.clean("history")

    def narrow(self):
        page = self.page
        page.resize(390, 800, mobile=True)
        page.scheme("dark")
        for path in ("", "agents", "frameworks", "tasks", "roles", "jenkins", "maintenance", "history", self.steady()):
            self.go(path)
            page.wait("the view is drawn", "Boolean(document.querySelector('main h1'))")
            time.sleep(0.3)
            self.shot("narrow")
            if path == "jenkins":
                page.wait("why builds wait is not cut", "(() => { const one = document.querySelector('.reasonList li');"
                          " return one && one.scrollWidth <= one.clientWidth; })()")
                page.wait("an agent leads to its task", "document.querySelector('td a[href*=\"#/tasks/\"]')?.offsetParent")
            wide = page.run("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                raise Failure(f"on a narrow screen {path} is {wide} pixels too wide")
        page.resize(1280, 900)
        page.scheme("light")
        self.clean("a narrow screen")

    def live(self):
        page = self.page
        self.go("tasks?q=late")
        page.wait_for_text("Nothing matches the filter.")
        self.framework.launch([("late", "late task", "sleep 1000")])
        page.wait_for_text("late task", 20)
        page.wait_for_text("running", 20)
        self.clean("events")

    def change_of_leader(self):
        page = self.page
        self.go("agents")
        page.wait("two agents are shown", "document.querySelectorAll('tbody tr:not(.spacer)').length === 2")
        os.kill(self.leader["pid"], signal.SIGKILL)
        page.wait("the page has gone to the next leader", f"location.origin !== {json.dumps(self.base)}"
                  " && location.hash === '#/agents' && document.querySelectorAll('tbody tr:not(.spacer)').length === 2", 60)
        print("a change of the leader: as it should be")


def main():
    document = json.loads(pathlib.Path(sys.argv[1]).read_text())
    shots = sys.argv[2] if len(sys.argv) > 2 else None
    with Browser() as browser:
        Walk(document, shots).run(browser)


if __name__ == "__main__":
    main()
