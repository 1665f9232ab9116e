"""Made-up requests, good and bad, held against what each OpenAPI document promises."""

from collections.abc import Callable
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
    # visits are not divided by partner. What a schema calls good may be refused there, with 422.
    **{
        operation: [positive_data_acceptance]
        for operation in ("POST /visits", "GET /stats/{figure}", "GET /permanences")
    },
    # A bad line fails alone, inside an answer of 200.
    "POST /visits/batch": [negative_data_rejection],
    # A missing If-Match is 428 by RFC 6585, which this check does not know; `test_answers.py` holds us to it.
    **{
        f"POST /referrals/{{referral_id}}/{verb}": [missing_required_header]
        for verb in ("accept", "decline", "complete")
    },
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


def hold(case: Case, url: str) -> None:
    """Send it, and hold the answer against every check of schemathesis."""
    case.call_and_validate(base_url=url, excluded_checks=EXCLUDED.get(case.operation.label, []))


@promised("intake")
@bounded
def test_intake_keeps_its_contract(case: Case, street: Street) -> None:
    hold(case, street.url("intake"))


@promised("referral")
@bounded
def test_referral_keeps_its_contract(case: Case, street: Street) -> None:
    hold(case, street.url("referral"))


@promised("stats")
@bounded
def test_stats_keep_their_contract(case: Case, street: Street) -> None:
    hold(case, street.url("stats"))
