"""How far a reading goes: whose affairs the one who asks is told of.

Every query that reads about somebody takes a scope and narrows itself by it, so that what is not theirs is not there.
A scope is made here alone: from who asks, or for the service's own inner work.
"""

from dataclasses import dataclass

from shared.access.principal import Principal, Role

_READS_FILES = frozenset({None, Role.FRONT_DESK, Role.COORDINATOR, Role.DATA_PROTECTION})


@dataclass(frozen=True, slots=True)
class Scope:
    """Who reads: a role, the partner that they work for, the codes of their account and of their site.

    `role` None: nobody had to say who they are, or nobody asks at all. `site` says where somebody records; it narrows
    no reading, since people go from one house to the next.
    """

    role: Role | None
    partner: str | None
    account: str | None
    site: str | None

    @property
    def is_partner(self) -> bool:
        """Whether only what lies in one partner's queue is told: `partner`'s, and nobody's where that is None."""
        return self.role is Role.PARTNER

    @property
    def reads_files(self) -> bool:
        """Whether the files of the house are told: visits, cases, who waits. No partner's, no city's business."""
        return self.role in _READS_FILES

    def holds(self, partner: str) -> bool:
        """Whether what is this partner's is told: to the partner itself, and to the house."""
        return self.partner == partner if self.is_partner else self.reads_files


INNER = Scope(None, None, None, None)
"""The service's own inner work, in answer to nobody: what follows from an event, a timer, a rebuild."""


def scope_of(principal: Principal | None) -> Scope:
    """The scope of who asks. None: nobody had to say who they are."""
    if principal is None:
        return INNER
    return Scope(principal.role, principal.partner, principal.account_id, principal.site)
