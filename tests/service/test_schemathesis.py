"""Made-up requests, good and bad, held against what each OpenAPI document promises."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
)

from services.contract import DOCS
from tests.service.street import Street

EXAMPLES = 20

Case = schemathesis.Case[Any]
Test = TypeVar("Test", bound=Callable[..., None])

schemathesis.serializer.alias("application/x-ndjson", "text/plain")

EXCLUDED: dict[str, list[CheckFunction]] = {
    # Rules between fields are no part of a schema: a topic belongs to its category, `from` comes before `to`,
    # visits are not divided by partner, no plan reaches beyond the year 2999. What a schema calls good may be refused
    # there, with 422.
    **{
        operation: [positive_data_acceptance]
        for operation in ("POST /visits", "POST /actions", "GET /stats/{figure}", "GET /permanences", "GET /doors")
    },
    # That a case or a person is named, one of the two and one that there is, is no part of a schema either.
    **{
        f"POST /actions/{{action_id}}/{verb}": [positive_data_acceptance]
        for verb in ("attendances", "attendances/withdrawal")
    },
    **{f"POST /visits/{{visit_id}}/{what}": [missing_required_header] for what in ("correction", "void")},
    # To a schema 12.0 is a whole number; to us somebody meant something else.
    "POST /actions/{action_id}/headcount": [positive_data_acceptance, missing_required_header],
    "POST /actions/{action_id}/void": [missing_required_header],
    # Whether somebody was given a cursor is no part of a schema.
    "GET /queues/{partner}": [positive_data_acceptance],
    # A bad line fails alone, inside an answer of 200.
    "POST /visits/batch": [negative_data_rejection],
    # Whether login and password are somebody's is no part of a schema.
    "POST /session": [positive_data_acceptance],
    # A missing If-Match is 428 by RFC 6585, which this check does not know; `test_answers.py` holds us to it.
    **{
        f"POST /referrals/{{referral_id}}/{verb}": [missing_required_header]
        for verb in (
            "accept",
            "decline",
            "complete",
            "book",
            "walk",
            "receive",
            "miss",
            "withdraw",
            "reopen",
            "undo",
        )
    },
    # That the partner is one of the house file's is no part of a schema.
    "POST /referrals/{referral_id}/reroute": [missing_required_header, positive_data_acceptance],
    **{
        f"POST /cases/{{case_id}}/{verb}": [missing_required_header] for verb in ("close", "reopen", "merge", "unmerge")
    },
    **{
        operation: [missing_required_header]
        for operation in (
            "POST /arrivals/{arrival_id}/received",
            "POST /arrivals/{arrival_id}/undo",
            "POST /arrivals/{arrival_id}/left",
            "POST /invitations/{code}/used",
        )
    },
    # That a day lies between the years 1900 and 2999 is no part of a schema.
    "POST /cases/{case_id}/person": [positive_data_acceptance],
    "POST /eliminations/{list_id}/visa": [positive_data_acceptance],
    "POST /people/{person_id}/correction": [positive_data_acceptance, missing_required_header],
}


def promised(service: str) -> Callable[[Test], Test]:
    """The operations of the committed document: another test keeps it equal to the code."""
    schema = schemathesis.openapi.from_path(DOCS / "openapi" / f"{service}.json")
    # A live stream never ends, and so would the test: `test_streams.py` reads them.
    parametrize: Callable[[Test], Test] = schema.exclude(path_regex="/stream$").parametrize()
    return parametrize


bounded = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def hold(case: Case, url: str, headers: Mapping[str, str] | None = None) -> None:
    """Send it, and hold the answer against every check of schemathesis."""
    excluded = EXCLUDED.get(case.operation.label, [])
    case.call_and_validate(base_url=url, headers=dict(headers or {}), excluded_checks=excluded)


@promised("intake")
@bounded
def test_intake_keeps_its_contract(case: Case, street: Street) -> None:
    hold(case, street.url("intake"), {"Authorization": street.as_role("coordinator").headers["Authorization"]})


@promised("referral")
@bounded
def test_referral_keeps_its_contract(case: Case, street: Street) -> None:
    hold(case, street.url("referral"))


@promised("stats")
@bounded
def test_stats_keep_their_contract(case: Case, street: Street) -> None:
    hold(case, street.url("stats"))
