"""What the house does by itself about a referral that is late: pure, from how far it has come.

A deadline passes: the partner is reminded. No answer: the coordinator is told. Still none: it expires, and the next
partner has it. Each step leaves the catalogue's business days, counted from the step before as it was really taken.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.referral.commands import EscalateReferral, ExpireReferral, RemindPartner
from services.referral.deadlines import escalation_at, expiry_at, utc_text
from shared.catalogue import Catalogue

Step = Literal["remind", "escalate", "expire"]
STEPS: tuple[Step, ...] = ("remind", "escalate", "expire")
"""By `chased`, how often the house has acted on the deadline so far."""

Chase = RemindPartner | EscalateReferral | ExpireReferral


@dataclass(frozen=True, slots=True)
class Due:
    """A referral at a version, whose next step was due at `next_step_at` (UTC)."""

    referral_id: str
    partner: str
    site: str
    chased: int
    version: int
    next_step_at: str

    @property
    def step(self) -> Step:
        """What is to be done."""
        return STEPS[self.chased]


def chase(due: Due, catalogue: Catalogue, now: datetime) -> Chase:
    """The command that takes the step, at this moment (aware)."""
    taken = utc_text(now)
    match due.step:
        case "remind":
            return RemindPartner(escalation_at(catalogue, due.partner, due.site, taken))
        case "escalate":
            return EscalateReferral(expiry_at(catalogue, due.partner, due.site, taken))
        case "expire":
            return ExpireReferral()
