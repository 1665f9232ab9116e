"""A browser for this folder, a house a module, and pages of several kinds. No test here may be `async`.

The browser is kept for the package: pytest closes it before a test of another folder, and its event loop, begins.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from services.house import House, running
from shared.settings import Settings
from tests.browser.chromium import NO_BROWSER, find_chromium, running_browser

OPEN_S_MAX = 90.0
WAIT_MS_MAX = 30_000
ZONE = ZoneInfo("Europe/Paris")
"""Of the houses under test."""
A_TEST_S = 45
"""No test of this folder takes as long: what is left of a day is enough for it, or it waits for the next."""
NARROW = {"width": 320, "height": 720}
WIDE = {"width": 1280, "height": 900}
STILL = {"viewport": WIDE, "locale": "fr-FR", "reduced_motion": "reduce"}
"""A desk's screen on which no colour is on its way to another while it is looked at."""


@pytest.fixture(scope="package")
def browser(settings_from_outside: Mapping[str, str]) -> Iterator[Browser]:
    """Chromium; without one the test is skipped."""
    program = find_chromium(settings_from_outside.get("MAISON_TEST_CHROMIUM", ""))
    if program is None:
        pytest.skip(NO_BROWSER)
    expect.set_options(timeout=WAIT_MS_MAX)
    with running_browser(program) as started:
        yield started


@pytest.fixture(autouse=True)
def a_day_long_enough() -> None:
    """What is counted today is counted on one day: just before midnight, wait for the next."""
    now = datetime.now(ZONE)
    left = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), ZONE) - now
    if left < timedelta(seconds=A_TEST_S):
        time.sleep(left.total_seconds() + 1)


@dataclass(frozen=True)
class OpenedHouse:
    """A real house: addresses, and a client for each service."""

    urls: Mapping[str, str]
    intake: httpx.Client
    referral: httpx.Client
    stats: httpx.Client
    data: Path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[OpenedHouse]:
    """The house as `maison run` starts it, in a folder of its own."""
    with opened_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def closed_house(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[OpenedHouse]:
    """A house that lets nobody in who does not say who it is."""
    with opened_house(tmp_path_factory.mktemp("closed"), access="required") as opened:
        yield opened


@contextmanager
def opened_house(data: Path, **settings: Any) -> Iterator[OpenedHouse]:
    """A real house in this folder, until the block ends."""
    opened, end, urls = threading.Event(), threading.Event(), dict[str, str]()

    async def keep_open() -> None:
        async with running(House(Settings(data=data, **settings), free_ports=True)) as started:
            urls.update(started.urls)
            opened.set()
            await asyncio.to_thread(end.wait)

    # A thread of its own: the browser's loop holds this one.
    thread = threading.Thread(target=lambda: asyncio.run(keep_open()), name="house")
    thread.start()
    try:
        assert opened.wait(OPEN_S_MAX), "the house did not open"
        clients = {name: httpx.Client(base_url=url, timeout=60) for name, url in urls.items()}
        yield OpenedHouse(urls, clients["intake"], clients["referral"], clients["stats"], data)
        for client in clients.values():
            client.close()
    finally:
        end.set()
        thread.join(timeout=60)


Opening = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opening]:
    """Opens pages, each as somebody else: `open_page(viewport=NARROW, java_script_enabled=False)`.

    What a page's scripts complain of fails the test: a broken policy, a script that is not there.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(**options: object) -> Page:
        context = browser.new_context(**{**STILL, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS_MAX)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said.type, said.text) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(kind: str, text: str) -> bool:
    # That an answer was 409 or 422 is what the page shows; the browser also notes it.
    return kind == "error" and "the server responded with a status of 4" not in text


@pytest.fixture
def page(open_page: Opening) -> Page:
    """A page on a desk's screen."""
    return open_page()


@pytest.fixture
def narrow(open_page: Opening) -> Page:
    """A page on a small telephone."""
    return open_page(viewport=NARROW, has_touch=True)


@pytest.fixture
def scriptless(open_page: Opening) -> Page:
    """A page of a browser that runs no scripts."""
    return open_page(java_script_enabled=False)
