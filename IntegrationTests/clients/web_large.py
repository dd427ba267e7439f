"""The web page of 10,000 agents and 100,000 tasks: how soon the first row is there, and whether the page stays usable.

    web_large.py [SCREENSHOTS]
"""

import json
import sys

from browser import Browser, Failure
from web_fake_master import serve

AGENTS, TASKS = 10_000, 100_000

# Watches for the first row, and for the answer it is made from, on the page's own clock.
WATCH = """
(() => {
  new MutationObserver((_, observer) => {
    const row = document.querySelector('tbody tr:not(.spacer)');
    if (!row) return;
    window.firstRow ??= performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
  // When the first of each answer was there.
  const real = window.fetch;
  window.fetch = async (...parameters) => {
    const response = await real(...parameters);
    window.arrived ??= {};
    window.arrived[new URL(parameters[0], location).pathname] ??= performance.now();
    return response;
  };
})();
"""


def main():
    shots = sys.argv[1] if len(sys.argv) > 1 else None
    base, stop = serve(AGENTS, TASKS)
    figures = {}
    with Browser() as browser:
        for view, document in (("agents", "/state-summary"), ("tasks", "/tasks")):
            page = browser.page()
            page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
            page.open(f"{base}/#/{view}")
            page.wait("the first row is there", "Boolean(window.firstRow)", 60)
            figures[view] = round(page.run(f"window.firstRow - window.arrived['{document}']"), 1)
            if view == "tasks":
                page.wait("all tasks are there", "document.querySelector('main').innerText.includes('All 100,000')", 120)
            total = AGENTS if view == "agents" else TASKS
            page.wait("all are counted", f"document.querySelector('.tools').innerText.includes('{total:,}')")
            rows = page.run("document.querySelectorAll('tbody tr').length")
            if rows > 120:
                raise Failure(f"{rows} rows are in the document")
            # To the end of the list, and through a filter and an order, each within a second.
            for what, action, condition in (
                ("the end", "document.querySelector('.scroller').scrollTop = 1e9",
                 "document.querySelector('.scroller').scrollTop > 1000 && document.querySelectorAll('tbody tr:not(.spacer)').length > 5"),
                ("a filter", "(() => { const one = document.querySelector('input[type=search]'); one.value = '777';"
                 " one.dispatchEvent(new Event('input')); })()", "/ of /.test(document.querySelector('.tools').innerText)"),
                ("an order", "[...document.querySelectorAll('button.sort')].find((one) => one.innerText.startsWith('CPUs')).click()",
                 "document.querySelector('th[aria-sort]').innerText.startsWith('CPUs')"),
            ):
                spent = page.run(
                    f"(async () => {{ const start = performance.now(); {action}; for (;;) {{"
                    f" await new Promise(requestAnimationFrame); if ({condition}) return performance.now() - start;"
                    " if (performance.now() - start > 20000) throw new Error('not in time'); } })()")
                figures[f"{view}: {what}"] = round(spent, 1)
            if shots:
                page.screenshot(f"{shots}/large-{view}.png")
            complaints = [one for one in page.complaints() if "403" not in one]
            if complaints:
                raise Failure(f"the console says {complaints}")
    stop()
    print(json.dumps({"milliseconds": figures}))


if __name__ == "__main__":
    main()
