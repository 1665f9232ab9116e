"""Every route, every role, and an object that is one's own, another's, or not there: asked over HTTP, all of them.

What is expected is read from the policy table; that the table says what it should stands in `docs/access.md` and in
`tests/unit/test_policy.py`.
"""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from shared.access.policy import HOUSE_KEY, POLICY, Rule
from shared.access.principal import Role
from tests.servers import running_valkey
from tests.service.street import Street, open_street

PARTNER, OTHER = "p01", "p02"
NOBODY = "nobody"
NAMED = ("visit_id", "case_id", "referral_id", "partner")
ROUTES = [(service, method, path) for service, rules in POLICY.items() for method, path in rules]
ROLES = [NOBODY, *(role.value for role in Role)]


class Objects(NamedTuple):
    """What an address may name: by the name of its parameter, the partner's own, another's, and none."""

    own: dict[str, str]
    other: dict[str, str]
    absent: dict[str, str]


class Told(NamedTuple):
    status: int
    kind: str
    body: bytes


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street that lets nobody in who does not say who it is."""
    folder = tmp_path_factory.mktemp("closed")
    with running_valkey() as bus, open_street(folder, bus, access="required") as street:
        for client, service in ((street.intake, "intake"), (street.referral, "referral")):
            client.headers["Authorization"] = street.as_role("coordinator", service).headers["Authorization"]
        yield street


@pytest.fixture(scope="module")
def objects(closed: Street) -> Objects:
    """One visit with a referral to the partner of the tests, one to another partner, and what there is not."""

    def found(partner: str) -> dict[str, str]:
        visit, referral = closed.referred("social_rights", partner)
        return {**visit, "referral_id": referral["referral_id"], "partner": partner}

    absent = str(uuid4())
    nowhere = {"visit_id": absent, "case_id": absent, "referral_id": absent, "partner": "p99"}
    return Objects(found(PARTNER), found(OTHER), nowhere)


def client_of(closed: Street, service: str, role: str) -> httpx.Client:
    if role == NOBODY:
        return closed.nobody(service)
    scope = {"partner": PARTNER} if role == Role.PARTNER else {}
    return closed.as_role(role, service, **scope)


def address(template: str, named: dict[str, str]) -> str:
    for name in NAMED:
        template = template.replace(f"{{{name}}}", named[name])
    for name in ("person_id", "list_id", "permanence_id", "site", "office", "code", "place", "name"):
        template = template.replace(f"{{{name}}}", str(uuid4()))
    return template.replace("{figure}", "visits").replace("{year}", "2008")


def ask(closed: Street, service: str, method: str, path: str, role: str) -> Told:
    """The answer; of a live stream only that it begins."""
    with client_of(closed, service, role).stream(method, path) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return Told(answer.status_code, "", b"")
        body = answer.read()
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        return Told(answer.status_code, answer.json()["type"] if is_problem else "", body)


def alike(told: Told, named: dict[str, str]) -> Told:
    """An answer without the words that were asked with: a page says its own address, in the links to its languages."""
    body = told.body
    for name in NAMED:
        body = body.replace(named[name].encode(), b"...")
    return told._replace(body=body)


def expected(rule: Rule, role: str) -> str:
    if rule.roles is None:
        return "let in"
    if rule.unseen and role not in rule.roles:
        return NOT_THERE
    if role == NOBODY:
        return "/problems/sign-in-required"
    if rule.live and role == Role.STATISTICS:
        # The house of these tests has not decided otherwise.
        return "/problems/not-allowed"
    return "let in" if role in rule.roles else "/problems/not-allowed"


NOT_THERE = "/problems/not-found"
GATES = {NOT_THERE: 404, "/problems/sign-in-required": 401, "/problems/not-allowed": 403, "/problems/no-rule": 403}


@pytest.mark.parametrize(("service", "method", "template"), ROUTES, ids=lambda part: part.strip("/"))
def test_each_role_gets_through_to_what_the_policy_says(
    closed: Street, objects: Objects, service: str, method: str, template: str
) -> None:
    rule = POLICY[service][method, template]
    for role in ROLES:
        told = {
            which: ask(closed, service, method, address(template, named), role)
            for which, named in objects._asdict().items()
        }
        wanted = expected(rule, role)
        if wanted != "let in":
            # Not even whether there is such a thing.
            assert len(set(told.values())) == 1, (role, told)
            assert (told["own"].kind, told["own"].status) == (wanted, GATES[wanted]), role
        elif rule.own and role == Role.PARTNER:
            assert told["own"].status not in (401, 403, 404), (role, told["own"])
            assert told["other"].status == 404
            assert alike(told["other"], objects.other) == alike(told["absent"], objects.absent)
        elif rule is HOUSE_KEY and template.startswith("/internal/"):
            assert {answer.status for answer in told.values()} == {404}, (role, told)
        else:
            assert not {answer.kind for answer in told.values()} & set(GATES) - {NOT_THERE}, (role, told)


@pytest.mark.parametrize("role", [role for role in ROLES if role != Role.PARTNER])
def test_a_disclosure_is_for_a_partner_alone(closed: Street, objects: Objects, role: str) -> None:
    told = ask(closed, "intake", "GET", f"/disclosures/{objects.own['referral_id']}", role)
    absent = ask(closed, "intake", "GET", f"/disclosures/{objects.absent['referral_id']}", Role.PARTNER)
    assert told == absent


def test_a_disclosure_that_is_anothers_is_one_that_there_is_not(closed: Street, objects: Objects) -> None:
    other, absent = (
        ask(closed, "intake", "GET", f"/disclosures/{named['referral_id']}", Role.PARTNER)
        for named in (objects.other, objects.absent)
    )
    assert other.status == 404
    assert other == absent


def test_a_partner_that_may_not_see_a_referral_cannot_move_it_either(closed: Street, objects: Objects) -> None:
    path = f"/referrals/{objects.other['referral_id']}"
    before = closed.referral.get(path).json()
    partner = closed.as_role("partner", "referral", partner=PARTNER)
    refused = partner.post(f"{path}/accept", headers={"If-Match": f'"{before["version"]}"'})
    assert refused.status_code == 404
    assert closed.referral.get(path).json() == before
    own = f"/referrals/{objects.own['referral_id']}"
    accepted = partner.post(f"{own}/accept", headers={"If-Match": partner.get(own).headers["etag"]})
    assert accepted.status_code == 200, accepted.text
