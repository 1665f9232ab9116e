"""All that became of one request: the referrals that it was handed over as, and those that followed from each."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from services.referral.handlers.loading import Loaded, load
from services.referral.reactions import follower_id, referral_id
from services.referral.requests import handed_of
from services.referral.states import NoReferral, Referral, Settled, Standing, status_of
from services.referral.words import OPEN, PARTNER_CANNOT, TAKEN_BACK, Status


@dataclass(frozen=True, slots=True)
class Family:
    """The other referrals and needs of the same request, by id."""

    members: Mapping[str, Loaded]

    @property
    def has_somebody(self) -> bool:
        """Whether somebody else has the request, or has helped with it already."""
        alive = OPEN | {Status.COMPLETED, Status.UNMET}
        return any(status_of(member.state) in alive for member in self.members.values())

    @property
    def refused(self) -> frozenset[str]:
        """The partners that have said no, or nothing at all, or of whom the desk knows that they cannot."""
        states = [member.state for member in self.members.values()]
        return frozenset(state.handed.partner for state in states if isinstance(state, Standing) and _gave_up(state))

    @property
    def holders(self) -> frozenset[str]:
        """The partners that have it now."""
        states = [member.state for member in self.members.values()]
        return frozenset(
            state.handed.partner for state in states if isinstance(state, Standing) and state.status in OPEN
        )

    @property
    def was_called_back(self) -> bool:
        """Whether anybody had to give it back, because a referral before theirs went on."""
        return any(_is_called_back(member.state) for member in self.members.values())

    def descends(self, one: str, ancestor: str) -> bool:
        """Whether a member followed from that referral, at once or by others between them."""
        before: str | None = one
        while before is not None and before != ancestor:
            before = _follows(self.members[before].state) if before in self.members else None
        return before == ancestor


def family(connection: Connection, own: Loaded) -> Family:
    """What else became of the request of this referral. Every id can be computed, so nothing has to be searched."""
    found: dict[str, Loaded] = {}
    waiting = [own.referral_id, referral_id(_request_of(own.state))]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        loaded = own if one == own.referral_id else load(connection, one)
        if isinstance(loaded.state, NoReferral):
            continue
        found[one] = loaded
        waiting += [follower_id(one, version) for version in range(2, loaded.version + 1)]
        if isinstance(loaded.state, Standing):
            waiting += loaded.state.handed.siblings
    del found[own.referral_id]
    return Family(found)


def _request_of(state: Referral) -> str:
    if (handed := handed_of(state)) is None:
        raise ValueError("nothing was handed over")
    return handed.request_id


def _follows(state: Referral) -> str | None:
    handed = handed_of(state)
    return handed.replaces if handed else None


def _gave_up(state: Standing) -> bool:
    if state.status is Status.WITHDRAWN:
        return state.reason in PARTNER_CANNOT
    return state.status in (Status.DECLINED, Status.EXPIRED)


def _is_called_back(state: Referral) -> bool:
    if isinstance(state, Standing):
        return state.status is Status.WITHDRAWN and state.reason == TAKEN_BACK
    return isinstance(state, Settled)
