"""The coordinator's page over HTTP, as a browser without scripts sends it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.servers import running_valkey
from tests.service.street import Street, open_street, until
from tests.service.stuck import leave_stuck

FORM = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Stuck:
    """A street, and the referrals that were told to its coordinator: three of one partner, a confidential one."""

    street: Street
    names: list[str]

    def page(self) -> str:
        return self.street.referral.get("/coordination/page").text

    def post(self, name: str, verb: str, **fields: str) -> httpx.Response:
        """The page's own form."""
        form = re.search(rf'action="/coordination/{name}/{verb}".*?</form>', self.page(), re.DOTALL)
        assert form, f"there is no form to {verb} {name}"
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
        return self.street.referral.post(f"/coordination/{name}/{verb}", data={**hidden, **fields}, headers=FORM)


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stuck]:
    folder = tmp_path_factory.mktemp("stuck")
    names = leave_stuck(folder)
    with running_valkey() as bus, open_street(folder, bus) as street:
        yield Stuck(street, names)


def test_the_queues_are_told_as_json_and_a_browser_is_shown_the_page(stuck: Stuck) -> None:
    found = stuck.street.referral.get("/coordination").json()
    escalated = {one["queue"]: one["escalated"] for one in found["queues"] if one["open"]}
    assert escalated["p09"] >= 1
    assert escalated["p06"] == 1
    assert stuck.street.referral.get("/coordination", headers={"Accept": "text/html"}).status_code == 303


def test_what_is_stuck_is_handed_to_another_partner(stuck: Stuck) -> None:
    first = stuck.names[0]
    answer = stuck.post(first, "reroute", partner="p17")
    assert (answer.status_code, answer.headers["location"]) == (303, "/coordination/page")
    assert stuck.street.referral.get(f"/referrals/{first}").json()["status"] == "rerouted"
    assert "CCAS de Dijon" in stuck.page()
    assert f"/coordination/{first}/" not in stuck.page()


def test_what_is_stuck_is_taken_back_with_a_reason(stuck: Stuck) -> None:
    answer = stuck.post(stuck.names[1], "withdraw", reason="no_longer_needed")
    assert answer.status_code == 303
    withdrawn = stuck.street.referral.get(f"/referrals/{stuck.names[1]}").json()
    assert (withdrawn["status"], withdrawn["reason"]) == ("withdrawn", "no_longer_needed")


def test_a_form_that_was_overtaken_or_makes_no_sense_changes_nothing(stuck: Stuck) -> None:
    first = stuck.names[2]
    assert stuck.post(first, "reroute", partner="p07").status_code == 422
    assert stuck.post(first, "reroute", partner="nobody").status_code == 422
    assert stuck.post(first, "reroute", partner="").status_code == 422
    assert stuck.post(first, "withdraw", reason="").status_code == 422
    assert stuck.post(first, "withdraw", reason="moved", version="1").status_code == 412
    assert stuck.street.referral.get(f"/referrals/{first}").json()["status"] == "issued"


def test_a_confidential_referral_shows_what_it_is_about_to_nobody(stuck: Stuck) -> None:
    page = stuck.page()
    shown = page[page.index("stuck-title") : page.index("queues-title")]
    assert "Confidentiel" in shown
    assert "juridique" not in shown
    assert "</strong> – Solidarité" not in shown
    assert "iolences" not in page
    choice = re.search(rf'action="/coordination/{stuck.names[3]}/reroute".*?</form>', page, re.DOTALL)
    assert choice
    # A choice of the few who answer such requests would say what it is about.
    assert len(re.findall(r'<option value="p\d+"', choice[0])) > 10


def test_no_case_and_no_visit_is_named(stuck: Stuck) -> None:
    told = stuck.page() + stuck.street.referral.get("/coordination").text
    for name in stuck.names:
        assert f"c-{name}" not in told
        assert f"v-{name}" not in told


def test_an_unmet_need_is_handed_to_a_partner(stuck: Stuck) -> None:
    street = stuck.street
    street.record("administrative")
    needs = until(lambda: street.referral.get("/coordination").json()["unmet"])
    assert [(need["category"], need["open"]) for need in needs] == [("administrative", 1)]
    (need,) = street.referral.get("/queues/coordinator").json()["items"]
    assert stuck.post(need["referral_id"], "reroute", partner="p16").status_code == 303
    assert street.referral.get("/coordination").json()["unmet"] == []
    assert street.referral.get("/queues/p16").json()["items"][0]["request_id"] == need["request_id"]
