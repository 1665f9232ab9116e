"""Who is asking: a role and opaque codes, never a name. What is put into events and audit records is `account_id`."""

from enum import StrEnum
from typing import NamedTuple

from starlette.requests import HTTPConnection
from starlette.types import Scope

KEY = "principal"
"""Where the gate leaves it in a request's state."""


SHOWN_AS = "shown_as"
"""Where the gate leaves how pages greet somebody who signed in."""


class Role(StrEnum):
    """What somebody is in the house. Each account and each token has exactly one."""

    FRONT_DESK = "front_desk"
    COORDINATOR = "coordinator"
    PARTNER = "partner"
    STATISTICS = "statistics"
    DATA_PROTECTION = "data_protection"
    OPERATIONS = "operations"


class Principal(NamedTuple):
    """An account or a token that was let in. `partner`: for whom it works, None = for the house.

    `site`: the one site that it is for, None = all of them. `session` = a person in a browser, not a machine.
    `to_swap`: a desk's own token, which a closed house in a network takes only to swap it for a short one.
    """

    role: Role
    partner: str | None
    account_id: str
    site: str | None = None
    session: bool = False
    to_swap: bool = False

    @property
    def name(self) -> str:
        """The code that audit records name it by."""
        return self.account_id


def principal_in(scope: Scope) -> Principal | None:
    """Who makes the request of this scope; None where nobody had to say, and nobody did."""
    found: Principal | None = scope.get("state", {}).get(KEY)
    return found


def principal_of(request: HTTPConnection) -> Principal | None:
    """Who makes this request; None where nobody had to say, and nobody did. Usable as a dependency of a route."""
    return principal_in(request.scope)
