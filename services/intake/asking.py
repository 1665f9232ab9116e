"""Who asks, as the audit trail of the vault puts it down: the one place where a request is read for it."""

from datetime import datetime
from typing import NamedTuple

from fastapi import Request

from services.intake.vault import Access
from shared.access import principal_of

UNKNOWN = "unknown"


class Asking(NamedTuple):
    """A role, the code of an account, and the partner that it works for; None = for the house."""

    role: str = UNKNOWN
    name: str = UNKNOWN
    partner: str | None = None

    def access(self, what: str, at: datetime) -> Access:
        """This asker, doing something now: for the audit trail."""
        return Access(what, self.role, self.name, at)


async def who_asks(request: Request) -> Asking:
    """A dependency of every route that opens the vault. Where nobody had to say who it is, nobody is known."""
    principal = principal_of(request)
    if principal is None:
        return Asking()
    return Asking(str(principal.role), principal.name, principal.partner)
