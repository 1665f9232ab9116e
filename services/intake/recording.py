"""`POST /visits` and `POST /visits/batch`: from bytes to a command, and from what was appended to an answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from services.intake.commands import RecordVisit
from services.intake.decider import CaseUnknown
from services.intake.forms import Asked, VisitForms
from services.intake.handlers import record_openings, record_visit
from shared.access.acting import actor, held_to_site
from shared.clock import utc_now
from shared.envelope import decode
from shared.events.desk import VisitorArrived
from shared.execute import Context
from shared.failpoints import failpoint
from shared.log import AlreadyAnswered, Appended, Log, partition_of
from shared.log.append import Answer as KeptAnswer
from shared.log.append import Outcome
from shared.web.body import JSON_LINES, require_type
from shared.web.exchange import Answer, answer_failure
from shared.web.idempotency import InFlight, fingerprint, key_from, scoped
from shared.web.problems import Problem, invalid
from shared.web.versions import etag

BATCH_BYTES_MAX = 4 * 1024 * 1024
BATCH_LINES_MAX = 5_000
NDJSON = "application/x-ndjson"
_SCOPE = "visits"
_encode = msgspec.json.Encoder().encode


class RequestRecorded(msgspec.Struct):
    """One request of a recorded visit."""

    request_id: str
    category: str


class VisitRecordedAnswer(msgspec.Struct, omit_defaults=True):
    """What a desk is told: the ids that were given, and where the visit stands in the log.

    `invitation` = the code to give to a family with children to look after.
    """

    visit_id: str
    case_id: str
    requests: list[RequestRecorded]
    version: int
    position: int
    invitation: str | None = None


_decode = msgspec.json.Decoder(VisitRecordedAnswer).decode


class Recording:
    """Records visits on one log, by the forms of one catalogue."""

    def __init__(self, log: Log, forms: VisitForms) -> None:
        self._log, self._forms = log, forms
        self._in_flight = InFlight()

    async def one(self, body: bytes, headers: Mapping[bytes, bytes]) -> Answer:
        """One visit: 201 once it is on disk. The same key and body: the same answer again."""
        require_type(headers.get(b"content-type"))
        key = key_from(headers, _SCOPE)
        asked = self._forms.read(body, utc_now())
        held_to_site(asked.command.site)
        await self._check_arrival(asked.command)
        with self._in_flight.hold(key):
            try:
                appended = await record_visit(self._log, asked.command, self._context(asked, key))
            except AlreadyAnswered as before:
                first = _decode(before.body)
                return _created(before.body, first.visit_id, first.version, replayed=True)
            except CaseUnknown:
                raise _case_unknown() from None
        failpoint("intake.before-answer")
        return _created(appended.answer or _render(asked, appended), asked.command.visit_id, appended.version)

    async def batch(self, body: bytes, headers: Mapping[bytes, bytes]) -> Answer:
        """Many visits, one a line; one result a line, in order. A bad line fails alone."""
        require_type(headers.get(b"content-type"), JSON_LINES)
        lines = [line for line in body.split(b"\n") if line.strip()]
        if len(lines) > BATCH_LINES_MAX:
            raise Problem(413, "too-many-lines", "Too many lines", f"Send at most {BATCH_LINES_MAX} lines at a time.")
        now = utc_now()
        read = [self._read_line(line, now) for line in lines]
        openings = [
            (index, asked) for index, asked in enumerate(read) if isinstance(asked, Asked) and _stands_alone(asked)
        ]
        results: list[bytes] = [entry if isinstance(entry, bytes) else b"" for entry in read]
        outcomes = await record_openings(
            self._log, [(asked.command, self._context(asked, _line_key(asked))) for _, asked in openings]
        )
        for (index, asked), outcome in zip(openings, outcomes, strict=True):
            results[index] = _result(asked, outcome)
        followers = [
            (index, asked) for index, asked in enumerate(read) if isinstance(asked, Asked) and not _stands_alone(asked)
        ]
        followed = await asyncio.gather(*(self._follow(asked) for _, asked in followers))
        for (index, _), result in zip(followers, followed, strict=True):
            results[index] = result
        failpoint("intake.before-answer")
        return Answer(200, b"".join(result + b"\n" for result in results), NDJSON)

    def _read_line(self, line: bytes, now: Any) -> Asked | bytes:
        try:
            asked = self._forms.read(line, now, line=True)
            held_to_site(asked.command.site)
            return asked
        except Exception as error:
            return _failed(error)

    async def _follow(self, asked: Asked) -> bytes:
        try:
            await self._check_arrival(asked.command)
            return _result(asked, await record_visit(self._log, asked.command, self._context(asked, _line_key(asked))))
        except CaseUnknown:
            return _failed(_case_unknown())
        except AlreadyAnswered as before:
            return _result(asked, before)
        except Exception as error:
            return _failed(error)

    async def _check_arrival(self, command: RecordVisit) -> None:
        """Raises the 422 problem for an arrival that there is not: a link that leads nowhere stays for ever."""
        if command.arrival_id is None:
            return
        for entry in await self._log.read_tagged(command.arrival_id, limit=1):
            if isinstance(decode(entry.body).event, VisitorArrived):
                return
        raise invalid([{"field": "arrival_id", "detail": "Nobody came under this id: leave it out."}])

    def _context(self, asked: Asked, key: str | None) -> Context:
        command = asked.command
        kept = None
        if key is not None:
            kept = KeptAnswer(key, fingerprint(asked.canonical), lambda appended: _render(asked, appended))
        return Context(
            asked.occurred_at,
            partition_of(command.case_id, self._log.partitions),
            tag=command.visit_id,
            actor=actor(),
            answer=kept,
        )


def _stands_alone(asked: Asked) -> bool:
    """Whether nothing need be read for a visit, and nothing is written beside it."""
    command = asked.command
    return command.opens_case and not command.invitation and command.arrival_id is None


def _line_key(asked: Asked) -> str | None:
    return scoped(asked.key, _SCOPE) if asked.key else None


def _render(asked: Asked, appended: Appended) -> bytes:
    command = asked.command
    requests = [RequestRecorded(request.request_id, request.category) for request in command.requests]
    invitation = command.invitation[0] if command.invitation else None
    return _encode(
        VisitRecordedAnswer(
            command.visit_id, command.case_id, requests, appended.version, appended.position, invitation
        )
    )


def _created(body: bytes, visit_id: str, version: int, *, replayed: bool = False) -> Answer:
    headers = {"Location": f"/visits/{visit_id}", "ETag": etag(version)}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return Answer(201, body, headers=headers)


def _result(asked: Asked, outcome: Outcome) -> bytes:
    match outcome:
        case Appended():
            return b'{"status":201,' + (outcome.answer or _render(asked, outcome))[1:]
        case AlreadyAnswered(body=body):
            return b'{"status":201,"replayed":true,' + body[1:]
    return _failed(outcome)


def _failed(error: Exception) -> bytes:
    return answer_failure(error).body


def _case_unknown() -> Problem:
    return Problem(
        404, "case-unknown", "No such case", "Leave case_id out to open a new case, or correct it.",
        [{"field": "case_id", "detail": "There is no such case."}],
    )  # fmt: skip
