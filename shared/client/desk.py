"""Recording a visit over HTTP: tried again with the same key while the house does not answer, then kept on disk."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from shared.client.forms import Visit
from shared.client.spool import Spool
from shared.clock import utc_now
from shared.ids import new_id

PAUSES_S = (0.2, 0.5, 1.0)
"""Between the tries of one visit. A desk does not wait longer while somebody stands at it."""
TIMEOUT_S = 5.0
_COME_BACK_LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 507})
"""409: the first try is still under way. 507: the house's disk is full."""


@dataclass(frozen=True)
class Recorded:
    """The house has it, on disk. `is_replay`: it had it before."""

    visit_id: str
    case_id: str
    key: str
    is_replay: bool = False


@dataclass(frozen=True)
class Kept:
    """The house did not answer; the visit is in the spool under this key, with the moment it happened."""

    key: str


@dataclass(frozen=True)
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
    """A front desk's connection to intake. `token` is sent as a bearer token when the house asks for one."""

    def __init__(
        self,
        url: str,
        *,
        spool: Spool | None = None,
        token: str | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S)
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

        What it refuses is put apart in the spool's folder `refused`, with the reason.
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
                    self._spool.refuse(key, refusal.problem)
                else:
                    self._spool.done(key)
        return sent

    def _send(self, key: str, body: dict[str, Any], pauses_s: Sequence[float]) -> Recorded:
        for pause_s in (*pauses_s, None):
            try:
                answer = self._http.post("/visits", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if answer.status_code == httpx.codes.CREATED:
                    recorded = answer.json()
                    is_replay = answer.headers.get("Idempotency-Replayed") == "true"
                    return Recorded(recorded["visit_id"], recorded["case_id"], key, is_replay)
                if answer.status_code not in _COME_BACK_LATER:
                    raise Refused(answer.status_code, _problem(answer))
                why = f"HTTP {answer.status_code}"
            if pause_s is not None:
                self._sleep(pause_s)
        raise Unreachable(why)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {"detail": f"HTTP {answer.status_code}"}
    return problem if isinstance(problem, dict) else {"detail": f"HTTP {answer.status_code}"}
