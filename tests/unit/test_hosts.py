"""The names that a house answers to."""

import socket
from typing import Any

import pytest
from pydantic import ValidationError

from shared.access.hosts import Hosts
from shared.settings import Settings
from shared.web.problems import Problem

OWN = ("127.0.0.1", "localhost:8001", "LOCALHOST", "[::1]:8001", "intake", "stats:8003", socket.gethostname())
OTHERS = (
    "elsewhere.invalid",
    "localhost.elsewhere.invalid",
    "accueil.example.",
    "x?",
    "x/y",
    "x y",
    "a:b",
    ":8001",
    "é",
)
NUMBERS = ("192.0.2.7", "192.0.2.7:8001", "[2001:db8::7]:8001")


def answers(host: str | None, version: str = "1.1", **settings: Any) -> bool:
    headers = [] if host is None else [(b"host", host.encode())]
    scope = {"type": "http", "http_version": version, "headers": headers, "server": ("198.51.100.1", 8001)}
    hosts = Hosts(Settings(**settings))
    try:
        hosts.check(scope)
        hosts.check(scope)
    except Problem as problem:
        return (problem.status, problem.slug) != (400, "unknown-host")
    return True


@pytest.mark.parametrize("host", [*OWN, "198.51.100.1:8001"])
@pytest.mark.parametrize("hosts", ["", "accueil.example"])
def test_a_house_answers_to_its_own_names_whatever_is_listed(host: str, hosts: str) -> None:
    assert answers(host, hosts=hosts)


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize("hosts", ["", "accueil.example"])
def test_a_house_does_not_answer_to_another_name(host: str, hosts: str) -> None:
    assert not answers(host, hosts=hosts)


@pytest.mark.parametrize("host", NUMBERS)
def test_an_address_in_numbers_is_good_until_names_are_listed(host: str) -> None:
    assert answers(host)
    assert not answers(host, hosts="accueil.example")
    assert answers(host, hosts="192.0.2.7 2001:db8::7")


def test_what_is_listed_and_what_the_services_call_each_other_is_answered_to() -> None:
    assert answers("Accueil.Example:8443", hosts="accueil.example, chiffres.example", https=True)
    assert answers("chiffres.example", hosts="accueil.example, chiffres.example", https=True)
    assert answers("intake.house.internal:8001", intake_url="http://intake.house.internal:8001")


def test_no_host_is_named_by_old_programs_alone() -> None:
    assert answers(None, "1.0")
    assert not answers(None, "1.1")
    assert not answers("", "1.0")


@pytest.mark.parametrize("hosts", ["https://accueil.example", "accueil.example:8001", "*.example", "*"])
def test_a_list_that_is_none_is_refused_at_the_start(hosts: str) -> None:
    with pytest.raises(ValidationError, match="without https://"):
        Settings(hosts=hosts)
