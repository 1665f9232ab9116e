"""Who acts in the request that is being served: for what is written deep inside, an event's `actor` above all.

The gate sets it for every request, also to None: a connection's next request may be begun from within this one's
task, and would inherit it.
"""

from contextvars import ContextVar

from shared.access.principal import Principal
from shared.access.scope import Scope, scope_of
from shared.web.problems import Problem

ACTING: ContextVar[Principal | None] = ContextVar("acting", default=None)


def acting() -> Principal | None:
    """Who acts; None where nobody had to say, and outside of requests."""
    return ACTING.get()


def acting_scope() -> Scope:
    """How far who acts may read: what every query is asked with. Kept by whoever goes on reading after the request."""
    return scope_of(ACTING.get())


def actor() -> str | None:
    """The code of who acts, as events carry it: of an account or a token, never a name."""
    principal = ACTING.get()
    return principal.account_id if principal else None


def held_to_site(site: str) -> None:
    """Raise the 403 problem when who acts is for another site only."""
    principal = ACTING.get()
    if principal and principal.site not in (None, site):
        raise Problem(
            403, "other-site", "Another site", "You may record for your own site only: send its code as `site`.",
            [{"field": "site", "detail": "Send the code of your own site."}],
        )  # fmt: skip
