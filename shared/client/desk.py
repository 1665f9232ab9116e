"""Recording a visit over HTTP: tried again with the same key while the house does not answer, then kept on disk."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx

from shared.client.forms import Correction, Visit
from shared.client.spool import Spool
from shared.client.tokens import NotSwapped, SwappedToken
from shared.clock import utc_now
from shared.ids import new_id

PAUSES_S = (0.2, 0.5, 1.0)
"""Between the tries of one visit. A desk does not wait longer while somebody stands at it."""
TIMEOUT_S = 5.0
_COME_BACK_LATER = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
"""507: the house's disk is full. And 409, where it says that the first try is still under way."""


@dataclass(frozen=True)
class Recorded:
    """The house has it, on disk. `is_replay`: it had it before. `invitation`: a code to give, for the children."""

    visit_id: str
    case_id: str
    key: str
    is_replay: bool = False
    invitation: str | None = None


@dataclass(frozen=True)
class Standing:
    """A visit as it stands. `version` is what a change of it is decided on; `voided_for`: it never was, and why."""

    visit_id: str
    version: int
    voided_for: str | None = None


@dataclass(frozen=True)
class Kept:
    """The house did not answer; the visit is in the spool under this key, with the moment it happened."""

    key: str


@dataclass(eq=False)
class Refused(Exception):
    """The house will not take this visit as it is: `problem` (RFC 9457) names the fields and the remedy."""

    status: int
    problem: dict[str, Any]

    def __str__(self) -> str:
        errors: Sequence[dict[str, str]] = self.problem.get("errors", ())
        fields = "; ".join(f"{error['field']}: {error['detail']}" for error in errors)
        return fields or str(self.problem.get("detail", f"HTTP {self.status}"))


class Unreachable(Exception):
    """The house did not answer, and there is no spool to keep the visit in."""


class DeskClient:
    """A front desk's connection to intake. `token` lets it in where the house asks for one; it swaps it."""

    def __init__(
        self,
        url: str,
        *,
        spool: Spool | None = None,
        token: str | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        shown = SwappedToken(url, token) if token else None
        self._http = httpx.Client(base_url=url, auth=shown, timeout=TIMEOUT_S)
        self._spool, self._pauses_s, self._sleep = spool, pauses_s, sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. What waits in the spool stays there."""
        self._http.close()

    def record(self, visit: Visit, key: str | None = None) -> Recorded | Kept:
        """Record a visit once, however often it has to be sent.

        Raises `Refused` (nothing was recorded), or `Unreachable` when there is no spool.
        """
        key = key or new_id()
        # The moment is fixed now: a visit that waits a day in the spool still happened today.
        happened = visit if visit.occurred_at else visit.model_copy(update={"occurred_at": utc_now()})
        body = happened.body()
        try:
            return self._send(key, body, self._pauses_s)
        except Unreachable:
            if self._spool is None:
                raise
            self._spool.add(key, body)
            return Kept(key)

    def send_kept(self) -> list[Recorded]:
        """Send what waits in the spool, oldest first, until the house stops answering.

        What it refuses is put apart in the spool's folder `refused`, with the reason. Raises `Refused` where it does
        not let us in: then everything still waits.
        """
        if self._spool is None:
            return []
        sent: list[Recorded] = []
        with self._spool.sending() as is_mine:
            for key in self._spool.keys() if is_mine else ():
                try:
                    sent.append(self._send(key, self._spool.read(key), ()))
                except Unreachable:
                    break
                except Refused as refusal:
                    if refusal.status == httpx.codes.UNAUTHORIZED:
                        raise
                    self._spool.refuse(key, refusal.problem)
                else:
                    self._spool.done(key)
        return sent

    def visit(self, visit_id: str) -> Standing:
        """A visit as it stands. Raises `Refused` (404: there is none) or `Unreachable`."""
        return _standing(self._patiently(lambda: self._http.get(f"/visits/{visit_id}"), self._pauses_s))

    def correct(
        self, visit_id: str, correction: Correction, version: int | None = None, key: str | None = None
    ) -> Standing:
        """Put a visit right, once, however often it has to be sent; it is never kept for later.

        `version` = what was decided on, else what it is now. Raises `Refused` (412: somebody else was faster) or
        `Unreachable`.
        """
        return self._change(visit_id, "correction", correction.body(), version, key)

    def void(self, visit_id: str, reason: str, version: int | None = None, key: str | None = None) -> Standing:
        """Say that a visit never was: `mistake`, `duplicate`, `test` or `other`. Raises as `correct` does."""
        return self._change(visit_id, "void", {"reason": reason}, version, key)

    def _change(
        self, visit_id: str, what: str, body: dict[str, object], version: int | None, key: str | None
    ) -> Standing:
        if version is None:
            version = self.visit(visit_id).version
        headers = {"Idempotency-Key": key or new_id(), "If-Match": f'"{version}"'}
        ask = partial(self._http.post, f"/visits/{visit_id}/{what}", json=body, headers=headers)
        return _standing(self._patiently(ask, self._pauses_s))

    def _send(self, key: str, body: dict[str, Any], pauses_s: Sequence[float]) -> Recorded:
        ask = partial(self._http.post, "/visits", json=body, headers={"Idempotency-Key": key})
        answer = self._patiently(ask, pauses_s)
        recorded = answer.json()
        is_replay = answer.headers.get("Idempotency-Replayed") == "true"
        return Recorded(recorded["visit_id"], recorded["case_id"], key, is_replay, recorded.get("invitation"))

    def _patiently(self, ask: Callable[[], httpx.Response], pauses_s: Sequence[float]) -> httpx.Response:
        """The answer, asked for again while there is none. Raises `Refused` or `Unreachable`."""
        for pause_s in (*pauses_s, None):
            try:
                answer = _answer(ask)
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if answer.is_success:
                    return answer
                if not _comes_back(answer):
                    raise Refused(answer.status_code, _problem(answer))
                why = f"HTTP {answer.status_code}"
            if pause_s is not None:
                self._sleep(pause_s)
        raise Unreachable(why)


def _answer(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """What the house says to a request, or to the token that was to be swapped for it."""
    try:
        return ask()
    except NotSwapped as refusal:
        return refusal.answer


def _comes_back(answer: httpx.Response) -> bool:
    """Whether the same request may be answered otherwise in a moment."""
    if answer.status_code == httpx.codes.CONFLICT:
        return str(_problem(answer).get("type", "")).endswith("twin-in-progress")
    return answer.status_code in _COME_BACK_LATER


def _standing(answer: httpx.Response) -> Standing:
    visit = answer.json()
    return Standing(visit["visit_id"], visit["version"], visit.get("voided_for"))


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {"detail": f"HTTP {answer.status_code}"}
    return problem if isinstance(problem, dict) else {"detail": f"HTTP {answer.status_code}"}
