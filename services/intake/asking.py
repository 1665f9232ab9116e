"""Who asks, as the audit trail of the vault puts it down."""

from datetime import datetime

from fastapi import Request

from services.intake.vault import Access
from shared.access import principal_of
from shared.access.scope import Scope, scope_of

UNKNOWN = "unknown"


async def who_asks(request: Request) -> Scope:
    """A dependency of every route that opens the vault. Where nobody had to say who it is, nobody is known."""
    return scope_of(principal_of(request))


def access_of(scope: Scope, what: str, at: datetime) -> Access:
    """Whoever asks, doing something now: for the audit trail."""
    return Access(what, str(scope.role or UNKNOWN), scope.account or UNKNOWN, at)
