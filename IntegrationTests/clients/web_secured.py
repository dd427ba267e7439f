"""The web page where everybody has to say who they are, and nothing is sent in the clear.

    web_secured.py MASTER NAME SECRET

MASTER is https://localhost:PORT. A task named `spoken` has run there, and one named `patient` runs.
"""

import sys

from browser import Browser, Failure


def main():
    base, name, secret = sys.argv[1:]
    # The test's own authority is not among those a browser knows.
    with Browser(["--ignore-certificate-errors"]) as browser:
        page = browser.page(credentials=(name, secret))
        page.open(base + "/#/tasks")
        page.wait_for_text("spoken")
        page.wait("it follows the events", "document.querySelector('.live')?.innerText.trim() === 'live'")
        page.click("td a", "spoken")
        page.wait("the agent lets the page read the sandbox",
                  "[...document.querySelectorAll('.logs pre')].some((one) => one.innerText.includes('over TLS'))")
        page.wait_for_text("exited with status 4")
        page.open(base + "/#/tasks?q=patient")
        page.click("td a", "patient")
        page.click("button", "Open a terminal")
        shown = "document.querySelector('.terminal .screen')?.innerText ?? ''"
        page.wait("the shell prompts", f"/[#$] *$/.test(({shown}).trimEnd())", 60)
        page.type("echo typed by $((1 + 1)) hands")
        page.press("Enter", virtual=13)
        page.wait_for_text("typed by 2 hands", within=".terminal .screen")
        for view, words in (("", "leads since"), ("agents", "active"), ("frameworks", "spoken"), ("roles", "Weight"),
                            ("maintenance", "Nothing is planned.")):
            page.open(f"{base}/#/{view}")
            page.wait_for_text(words)
        # The questions of the servers are part of the console's errors; anything else is not wanted.
        complaints = [one for one in page.complaints() if "401" not in one]
        if complaints:
            raise Failure(f"the console says {complaints}")
        print("with a name and a password, over TLS: as it should be")

    # A browser of its own: the first one knows the right name by now.
    with Browser(["--ignore-certificate-errors"]) as browser:
        stranger = browser.page(credentials=(name, "wrong"))
        stranger.open(base + "/#/agents")
        stranger.wait_for_text("You may not see this.")
        if "localhost:" in stranger.run("document.querySelector('main').innerText"):
            raise Failure("a stranger sees an agent")
        print("with a wrong one: as it should be")


if __name__ == "__main__":
    main()
