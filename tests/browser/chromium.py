"""Debian's Chromium, driven by Playwright: found, started, and asked about accessibility."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright

NO_BROWSER = "no browser: install Chromium (Debian: apt-get install chromium), or name one in MAISON_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    # In a container there is no user namespace for the sandbox, and little shared memory.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # Nobody is called but the house.
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    # What is well is not collected, nor any style sheet fetched again for a rule that is not asked for.
    "resultTypes": ["violations"],
    "preload": False,
}


def find_chromium(named: str = "") -> str | None:
    """The browser's program: the one named, else one on the path; None where there is none."""
    names = (named,) if named else NAMES
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def running_browser(program: str) -> Iterator[Browser]:
    """A headless browser. While it runs, no event loop can run in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), env=_environment())
        try:
            yield browser
        finally:
            browser.close()


def _environment() -> dict[str, str | float | bool]:
    # A proxy of the machine's would be asked for the house's own pages.
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def assert_accessible(page: Page) -> None:
    """Nothing that axe-core finds by WCAG 2.1 A and AA on the page as it is now, and no sideways scrolling."""
    # Words are there before the styles that they are read in.
    page.wait_for_load_state()
    violations = Axe().run(page, options=RULES).response["violations"]
    told = [
        f"{found['id']}: {found['help']}\n    " + "\n    ".join(node["html"][:200] for node in found["nodes"][:5])
        for found in violations
    ]
    assert not told, "\n" + "\n".join(told)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} pixels wider than the screen"
