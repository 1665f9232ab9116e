"""Total queue: what goes in comes out. Each open request is handed over exactly once."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.auditing.finding import Finding
from tests.auditing.history import Attempt
from tests.auditing.stored import ACCEPTED, Stored, Visit


def check_handed_over(stored: Sequence[Visit], handed: Sequence[str]) -> Iterator[Finding]:
    """`handed` names each request as often as somebody received it."""
    received = Counter(handed)
    opened = {request_id for visit in stored for request_id in visit.open_requests}
    for request_id in opened:
        if not received[request_id]:
            yield Finding("request handed to nobody", request_id)
    for request_id, times in received.items():
        if times > 1:
            yield Finding("request handed over twice", f"{request_id}: {times} times")
        if request_id not in opened:
            yield Finding("handed over unasked", request_id)


def check_answers(answering: Sequence[Attempt], referral: Sequence[Stored]) -> Iterator[Finding]:
    """Each acceptance that was acknowledged stands in the log exactly once."""
    found = Counter(event.data["referral_id"] for event in referral if event.type == ACCEPTED)
    for referral_id in {one.asked["referral_id"] for one in answering if one.outcome == "ok"}:
        if not found[referral_id]:
            yield Finding("lost answer", referral_id)
    for referral_id, times in found.items():
        if times > 1:
            yield Finding("doubled answer", f"{referral_id}: {times} times")
