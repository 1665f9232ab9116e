"""What every refusal must be: a problem by RFC 9457 that names the field, says the remedy, and repeats nothing."""

from typing import Any

import httpx

from tests.service.corpus import CANARY


def problem_of(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    """The problem in an answer, held to its form. `field`: what must be named as at fault."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert problem["title"]
    # The remedy: a whole sentence, in words that are not the parser's.
    assert problem["detail"].endswith(".")
    assert "sys." not in problem["detail"]
    assert "Error" not in problem["detail"]
    for error in problem.get("errors", ()):
        assert set(error) == {"field", "detail"}
        assert error["detail"].endswith(".")
    if field is not None:
        assert [error["field"] for error in problem["errors"]] == [field]
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)
    return problem
