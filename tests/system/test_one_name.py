"""A house behind a proxy, under one name with TLS: every page that its menu leads to is reached and whole."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.house import House, running
from shared.settings import Settings
from tests.one_name import NAME, PROGRAM, in_front

CHOSEN = "une phrase longue et inventée"
LINK = re.compile(r'<a [^>]*href="(/[^"#]*)"')
FILE = re.compile(r'(?:src|href)="(/static/[^"]+)"')
ROLES = ("coordinator", "front_desk", "partner", "statistics")

pytestmark = [pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed"), pytest.mark.timeout(300)]


class Fronted:
    """The house as people see it, and as those who look after it do."""

    def __init__(self, browser: httpx.AsyncClient, house: House) -> None:
        self.browser, self.house = browser, house

    async def account(self, role: str) -> dict[str, str]:
        """What somebody new with this role types to sign in."""
        asked: dict[str, Any] = {"login": f"agent-{uuid4().hex[:8]}", "display_name": "Agent inventé", "role": role}
        asked |= {"partner": "p03"} if role == "partner" else {}
        key = {"X-House-Key": (self.house.settings.data / "house.key").read_text()}
        async with httpx.AsyncClient(base_url=self.house.urls["intake"], headers=key, timeout=60) as care:
            made = (await care.post("/internal/accounts", json=asked)).json()
        return {"login": asked["login"], "password": made["one_time_password"], "new_password": CHOSEN}


@pytest.fixture
async def fronted(tmp_path: Path) -> AsyncIterator[Fronted]:
    settings = Settings(data=tmp_path / "data", access="required", https=True, hosts=NAME, proxy="127.0.0.1")
    async with running(House(settings, free_ports=True)) as house:
        with in_front(tmp_path, house.ports) as (port, trusted):
            origin = f"https://{NAME}:{port}"
            async with httpx.AsyncClient(
                base_url=f"https://127.0.0.1:{port}",
                headers={"Host": f"{NAME}:{port}", "Origin": origin, "Accept": "text/html", "Accept-Language": "fr"},
                verify=trusted,
                timeout=60,
                event_hooks={"request": [_by_name]},
            ) as browser:
                yield Fronted(browser, house)


async def _by_name(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = NAME


async def test_who_signs_in_reaches_every_page_of_the_menu_whole(fronted: Fronted) -> None:
    for role in ROLES:
        browser = fronted.browser
        asked = await browser.get("/week")
        assert asked.status_code == 303, asked.text
        assert asked.headers["location"].startswith("/sign-in?")
        answer = await browser.post("/sign-in", data={**await fronted.account(role), "service": "stats", "next": "/"})
        assert answer.status_code == 303, answer.text
        first = await browser.get(answer.headers["location"], follow_redirects=True)
        assert first.status_code == 200, role
        menu = set(LINK.findall(first.text.partition("<main")[0]))
        assert len(menu) >= 2, role
        for path in menu:
            page = await browser.get(path, follow_redirects=True)
            assert page.status_code == 200, (role, path, page.text)
            assert "max-age" in page.headers["strict-transport-security"]
            for file in set(FILE.findall(page.text)):
                assert (await browser.get(file)).status_code == 200, (path, file)
        assert (await browser.post("/sign-out")).status_code == 303
        browser.cookies.clear()


async def test_a_visit_is_recorded_and_followed_and_live_pages_are_live(fronted: Fronted) -> None:
    browser = fronted.browser
    typed = {**await fronted.account("coordinator"), "service": "intake", "next": "/desk"}
    await browser.post("/sign-in", data=typed)
    async with browser.stream("GET", "/desks/p03/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        body = {"requests": [{"category": "financial", "partner": "p03"}]}
        recorded = await browser.post("/visits", json=body, headers={"Accept": "application/json"})
        assert recorded.status_code == 201, recorded.text
        # As it happens, not when a buffer of the proxy's is full.
        assert await anext(line async for line in stream.aiter_lines() if line.startswith("data:"))
    page = await browser.get("/desks/p03")
    (referral,) = set(re.findall(r'href="/desks/referral/([0-9a-f-]{36})', page.text))
    assert (await browser.get(f"/desks/referral/{referral}")).status_code == 200


async def test_what_is_for_those_who_look_after_the_house_is_not_there(fronted: Fronted) -> None:
    for path in ("/internal/status", "/metrics", "/health/ready", "/openapi.json"):
        assert (await fronted.browser.get(path)).status_code == 404
        assert (await fronted.browser.get(path, headers={"X-House-Key": "guessed"})).status_code == 404
