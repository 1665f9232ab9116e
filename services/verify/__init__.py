"""The auditor: `maison verify`, an independent reading of the logs and of all that is made from them.

It owns nothing and changes nothing. It reads by SQL and structures of its own, and imports no rule, projection or
store of the services: what it shared with them it could not find wrong. Read `audit.py` for the checks in their
order, `sources.py` for where they read.
"""

import asyncio
from threading import Event
from typing import Any

from services.verify.audit import audit
from services.verify.explaining import NoSuchFigure, Question, explained
from services.verify.printing import print_document
from services.verify.sources import opened
from services.verify.stores import CannotVerify
from shared.settings import Settings

__all__ = ["CannotVerify", "NoSuchFigure", "Question", "explain", "print_document", "verify"]


async def verify(settings: Settings) -> dict[str, Any]:
    """Audit the house of these settings, running or at rest, under load or not.

    Answers `{"ok": bool, "position": {"intake": head, "referral": head}, "checks": [{"name", "ok", "detail"}]}`; a
    head is a number, or `{partition: number}` where a log has several. Raises `CannotVerify` where there is no
    house, or it cannot be reached.
    """
    stop = Event()
    try:
        return await asyncio.to_thread(_verify, settings, stop)
    finally:
        # Nobody waits for the answer any more: the thread ends at its next look, and clears up.
        stop.set()


async def explain(settings: Settings, question: Question) -> dict[str, Any]:
    """Name the events behind a figure of this house, running or at rest; the answer is that of `explained`.

    Raises `CannotVerify` as `verify` does.
    """
    stop = Event()
    try:
        return await asyncio.to_thread(_explain, settings, question, stop)
    finally:
        stop.set()


def _explain(settings: Settings, question: Question, stop: Event) -> dict[str, Any]:
    with opened(settings, stop) as sources:
        return explained(sources, question)


def _verify(settings: Settings, stop: Event) -> dict[str, Any]:
    with opened(settings, stop) as sources:
        return audit(sources)
