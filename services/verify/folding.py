"""What a referral is after its history: the audit's own account, for the read models and the figures to agree with."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from services.verify.documents import ISSUED, MOVES, Document, Handed, Moved, Unreadable, read_data, read_document
from services.verify.histories import Told


class Happened(NamedTuple):
    """A readable event of a referral."""

    told: Told
    document: Document
    fact: Handed | Moved


class Referral(msgspec.Struct):
    """A request handed over, and how far it has come. `unmet`: to nobody. `day` is the day of handing over."""

    referral_id: str
    handed: Handed
    unmet: bool
    position: int
    issued_at: str
    status: str
    version: int
    outcome: str | None = None
    reason: str | None = None

    def queue_item(self) -> tuple[Any, ...]:
        """Its row of `queue_items`."""
        made = self.handed
        return (
            self.referral_id, made.partner, self.position, made.request_id, made.visit_id, made.case_id, made.site,
            made.category, made.topic, self.status, self.outcome, self.reason, self.issued_at, self.version,
        )  # fmt: skip

    def visit_referral(self) -> tuple[Any, ...]:
        """Its row of `visit_referrals`."""
        made = self.handed
        return (
            self.referral_id, made.visit_id, made.request_id, made.partner, self.status, self.outcome, self.reason,
            self.version, self.issued_at,
        )  # fmt: skip


def read_history(told: Iterable[Told]) -> list[Happened]:
    """The events that can be read and mean something. The others are found at fault elsewhere."""
    happened = []
    for one in told:
        try:
            document = read_document(one.entry)
            fact = read_data(document)
        except Unreadable:
            continue
        if isinstance(fact, Handed | Moved):
            happened.append(Happened(one, document, fact))
    return happened


def fold(stream: str, happened: Iterable[Happened]) -> Referral | None:
    """The referral that these events lead to; None when it was never handed over."""
    referral = None
    for told, document, fact in happened:
        if isinstance(fact, Handed):
            issued = document.type == ISSUED
            referral = Referral(
                stream.removeprefix("referral-"), fact, not issued, told.position, document.time,
                "issued" if issued else "unmet", told.version, reason=None if issued else fact.reason,
            )  # fmt: skip
        elif referral is not None:
            referral.status, referral.version = MOVES[document.type], told.version
            referral.outcome, referral.reason = fact.outcome, fact.reason
    return referral
