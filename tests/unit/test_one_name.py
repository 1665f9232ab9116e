"""The rules by which a proxy with one name for three services knows whom to ask."""

import re

import pytest

from shared.access.policy import POLICY
from tests.one_name import CONFIGURATION

LOCATION = re.compile(r"location (?P<regex>~ )?(?P<path>\S+) \{\s+(?:proxy_pass http://(?P<service>\w+)|return 404);")
AT_THE_PORTS = re.compile(r"/(internal/.+|metrics|health/.+|openapi\.json|asyncapi\.json)")
"""What is asked at a service's own port, by those who look after the house."""
EVERYWHERE = {"/", "/sign-out"}
"""What each service has, and is intake's under one name."""


def asked(path: str) -> str | None:
    """The service that is asked for a path: the first expression that matches has it, then the last resort."""
    resort = None
    for location in LOCATION.finditer(CONFIGURATION.read_text()):
        if location["regex"] is None:
            assert location["path"] == "/"
            resort = location["service"]
        elif re.match(location["path"], path):
            return location["service"]
    return resort


@pytest.mark.parametrize("service", POLICY)
def test_every_address_leads_to_the_service_that_has_it(service: str) -> None:
    for _, pattern in POLICY[service]:
        path = re.sub(r"\{[^}]*\}", "x", pattern.replace("{service}", service))
        expected = None if AT_THE_PORTS.fullmatch(path) else "intake" if path in EVERYWHERE else service
        assert asked(path) == expected, path


def test_no_two_services_have_the_same_address() -> None:
    def shape(service: str, pattern: str) -> str:
        return re.sub(r"\{[^}]*\}", "{}", pattern.replace("{service}", service))

    owners: dict[str, set[str]] = {}
    for service, rules in POLICY.items():
        for _, pattern in rules:
            owners.setdefault(shape(service, pattern), set()).add(service)
    shared = {path for path, services in owners.items() if len(services) > 1}
    assert {path for path in shared if not AT_THE_PORTS.fullmatch(path)} == EVERYWHERE


@pytest.mark.parametrize("path", ["/nowhere", "/desk", "/deskswhere", "/static/elsewhere/x/y.css", "/reporting"])
def test_an_address_that_nobody_has_is_answered_by_intake(path: str) -> None:
    assert asked(path) == "intake"
