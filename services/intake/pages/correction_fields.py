"""What the fields of the correction page hold: the visit as it stands, with what was typed over it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.intake.discretion import CONFIDENTIAL
from services.intake.pages.board import Board
from services.intake.pages.visit_form import HERE, TEAM
from services.intake.queries import RequestView, VisitView
from shared.catalogue import Site

NEW, AS_IT_IS = "new", "-"
"""In place of an id: a request that was forgotten. In place of an answer: nothing is said of it."""
MINUTE = 16
_SAID = ("site", "channel", "at", "language", "needs", "children")
_UNSAID: Mapping[str, Any] = {"language": None, "needs": [], "children": False}
"""What it means that a field was left empty."""


class Line(NamedTuple):
    """A request of the page: its id, its subject in words, what its two fields hold, whether it is taken away."""

    request_id: str
    words: str
    subject: str
    step: str
    removed: bool = False


class Values(NamedTuple):
    """What the page's fields hold. `said`: by their names; `forgotten`: the line of one more request."""

    said: Mapping[str, Any]
    lines: tuple[Line, ...]
    forgotten: Line


def standing(board: Board, visit: VisitView) -> Values:
    """The fields of a visit that nobody has touched."""
    said = {
        "site": visit.site,
        "channel": visit.channel,
        "at": visit.occurred_at[:MINUTE],
        "language": visit.language,
        "needs": visit.needs,
        "children": visit.children,
    }
    lines = tuple(_line(board, one) for one in visit.requests)
    return Values(said, lines, Line(NEW, "", AS_IT_IS, AS_IT_IS))


def typed_over(now: Values, typed: Mapping[str, Any], shown: Values) -> Values:
    """The fields with what was typed. `shown` = what they held then: only what was changed there is taken over.

    So of two who correct a visit, the second sees what the first has changed, and keeps what she changed herself.
    """
    if not typed:
        return now
    said = {**_UNSAID, **{name: typed[name] for name in _SAID if typed.get(name) is not None}}
    said["children"] = bool(said["children"])
    changed = {name: value for name, value in said.items() if value != shown.said[name]}
    before = {line.request_id: line for line in shown.lines}
    lines = {request_id: (subject, step) for request_id, subject, step in _together(typed)}
    removed = typed.get("remove", ())

    def over(line: Line) -> Line:
        then = before.get(line.request_id, line)
        subject, step = lines.get(line.request_id, (then.subject, then.step))
        return line._replace(
            subject=subject if subject != then.subject else line.subject,
            step=step if step != then.step else line.step,
            removed=line.request_id in removed,
        )

    return Values({**now.said, **changed}, tuple(over(line) for line in now.lines), over(now.forgotten))


def body_of(typed: Any, visit: VisitView, site: Site) -> tuple[dict[str, Any], list[str]]:
    """What was typed as `POST /visits/{visit_id}/correction` takes it, and the line of each of its requests."""
    requests, lines = list[dict[str, Any]](), list[str]()
    for request_id, subject, step in zip(typed.request, typed.subject, typed.step, strict=False):
        if request_id not in typed.remove and (one := _request(visit, request_id, subject, step)) is not None:
            requests.append(one)
            lines.append(request_id)
    body: dict[str, Any] = {
        "channel": typed.channel,
        "language": typed.language,
        "needs": typed.needs,
        "children": typed.children,
        "requests": requests,
    }
    # Empty: a site that was given up, which no list offers, stays what it is.
    if typed.site:
        body["site"] = typed.site
    # The second of two half past twos is kept: only what was changed on the page is taken from it.
    if typed.at[:MINUTE] != typed.was_at:
        body["occurred_at"] = datetime.fromisoformat(typed.at).replace(tzinfo=site.zone).isoformat()
    return body, lines


def _together(typed: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    columns: Sequence[Sequence[str]] = [typed.get(name, ()) for name in ("request", "subject", "step")]
    return list(zip(*columns, strict=False))


def _line(board: Board, request: RequestView) -> Line:
    hidden = request.category == CONFIDENTIAL
    words = board.confidential if hidden else board.subject(request.category, request.topic)
    subject = AS_IT_IS if hidden else f"{request.category}:{request.topic or ''}"
    step = HERE if request.answered else request.partner or AS_IT_IS
    return Line(request.request_id, words, subject, AS_IT_IS if hidden else step)


def _request(visit: VisitView, request_id: str, subject: str, step: str) -> dict[str, Any] | None:
    """A request as it should have been; None for a line that was left empty."""
    before = next((one for one in visit.requests if one.request_id == request_id), None)
    if before is None and subject == AS_IT_IS:
        return None
    made: dict[str, Any] = {"request_id": request_id} if before else {}
    if subject != AS_IT_IS:
        category, _, topic = subject.partition(":")
        if before is None or (category, topic or None) != (before.category, before.topic):
            made |= {"category": category, "topic": topic or None}
    if before is not None and subject == AS_IT_IS:
        # Neither what it is about nor who has it was shown.
        return made
    answered, partner = step == HERE, step if step not in (HERE, TEAM, AS_IT_IS) else None
    if before is None or answered != before.answered:
        made["answered"] = answered
    if before is None or partner != before.partner:
        made["partner"] = partner
    return made
