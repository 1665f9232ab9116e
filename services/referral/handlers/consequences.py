"""What a thing asked comes to, here and now: the command itself, and the commands that follow in other streams.

Looked up inside the transaction that carries them out, so that what it rests on cannot change meanwhile.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from services.referral.commands import (
    Answer,
    Asked,
    AskForPlace,
    BookAppointment,
    Command,
    DeclineReferral,
    ExpireReferral,
    HandToPartner,
    IssueReferral,
    ReopenReferral,
    ReportNeedUnmet,
    RerouteReferral,
    SettleNeed,
    UndoMove,
    WithdrawReferral,
)
from services.referral.handlers.family import Family, family
from services.referral.handlers.loading import Loaded
from services.referral.permanences import places
from services.referral.reactions import BY_HAND, follow, issue_again
from services.referral.routing import Routed, Wanted, may_have
from services.referral.states import Standing, Unmet
from services.referral.words import ENDS, NEED_IS_GONE, OPEN, PARTNER_CANNOT, TAKEN_BACK, Status
from shared.catalogue import Catalogue
from shared.decider import Refusal
from shared.envelope import timestamp
from shared.events.referral import ReferralIssued

REACHES_OTHERS = (DeclineReferral, ExpireReferral, HandToPartner, ReopenReferral, UndoMove, WithdrawReferral)
"""What other referrals, in whichever partition, may follow from or have a say in."""
CALL_BACK = WithdrawReferral(TAKEN_BACK)


class NotThisPartner(Refusal):
    """The partner that the house chose has the request already, or does not take such requests."""

    def __init__(self, partner: str, why: str) -> None:
        super().__init__(f"{partner}: {why}")
        self.partner, self.why = partner, why


class Plan(NamedTuple):
    """A command, and those that follow from it, each with the referral that it is for."""

    command: Command
    after: Sequence[tuple[str, Command]] = ()


def consequences(connection: Connection, catalogue: Catalogue, loaded: Loaded, asked: Asked, now: datetime) -> Plan:
    """What is asked of a referral, made whole. Raises the refusals of `places`, or `NotThisPartner`."""
    plan = _planned(connection, catalogue, loaded, asked, now)
    if isinstance(plan.command, Answer):
        return plan._replace(command=replace(plan.command, now=_at_the_site(catalogue, loaded, now)))
    return plan


def _planned(connection: Connection, catalogue: Catalogue, loaded: Loaded, asked: Asked, now: datetime) -> Plan:
    match asked:
        case AskForPlace(permanence_id):
            if isinstance(loaded.state, Standing):
                return Plan(places.book(connection, catalogue, permanence_id, loaded.state, now))
            # There is nobody to keep a place for: the rules will say so.
            return Plan(BookAppointment(permanence_id, 0, "", ""))
        case HandToPartner(partner):
            return _handed_on(connection, loaded, Routed(partner, BY_HAND, catalogue.version), catalogue, now)
        case DeclineReferral() | ExpireReferral() | WithdrawReferral() if isinstance(loaded.state, Standing):
            return _ended(connection, catalogue, loaded, loaded.state, asked, now)
        case ReopenReferral() if isinstance(loaded.state, Standing):
            return Plan(asked, _called_back(family(connection, loaded), loaded.referral_id))
        case UndoMove() if isinstance(loaded.state, Standing):
            return _undone(connection, catalogue, loaded, loaded.state, now)
        case _:
            return Plan(asked)


def _ended(
    connection: Connection,
    catalogue: Catalogue,
    loaded: Loaded,
    state: Standing,
    asked: DeclineReferral | ExpireReferral | WithdrawReferral,
    now: datetime,
) -> Plan:
    """The next partner, or the coordinator: unless the need is gone, or somebody else has the request as well."""
    if isinstance(asked, DeclineReferral) and asked.reason in NEED_IS_GONE:
        return Plan(asked)
    if isinstance(asked, WithdrawReferral) and asked.reason not in PARTNER_CANNOT:
        return Plan(asked)
    others = family(connection, loaded)
    if others.has_somebody:
        return Plan(asked)
    follower, next_one = _named(follow(state, loaded.version + 1, catalogue, now, others.refused))
    return Plan(replace(asked, follower=follower), [(follower, next_one)])


def _undone(connection: Connection, catalogue: Catalogue, loaded: Loaded, state: Standing, now: datetime) -> Plan:
    """Back to where it was: what it was given up for goes back as well, or what was called back is handed on again."""
    places.still_free(connection, state)
    before = state.before
    if before is not None and state.status in ENDS and before.status in OPEN:
        return Plan(UndoMove(), _called_back(family(connection, loaded), loaded.referral_id))
    if before is None or before.follower is None:
        return Plan(UndoMove())
    others = family(connection, loaded)
    last = others.members.get(before.follower)
    if others.has_somebody or not others.was_called_back:
        return Plan(UndoMove())
    if last and isinstance(last.state, Standing) and last.state.reason == TAKEN_BACK:
        to = Routed(last.state.handed.partner, last.state.handed.rule, catalogue.version)
        again: IssueReferral | ReportNeedUnmet = issue_again(
            state.handed, loaded.referral_id, loaded.version + 1, to, catalogue, now
        )
    else:
        again = follow(state, loaded.version + 1, catalogue, now, others.refused)
    follower, next_one = _named(again)
    return Plan(UndoMove(follower), [(follower, next_one)])


def _named(next_one: IssueReferral | ReportNeedUnmet) -> tuple[str, IssueReferral | ReportNeedUnmet]:
    own = next_one.referral.referral_id if isinstance(next_one, IssueReferral) else next_one.referral_id
    return own, next_one


def _handed_on(connection: Connection, loaded: Loaded, to: Routed, catalogue: Catalogue, now: datetime) -> Plan:
    match loaded.state:
        case Standing(handed=before) | Unmet(need=before):
            has_it = isinstance(before, ReferralIssued) and before.partner == to.partner
            if has_it or to.partner in family(connection, loaded).holders:
                raise NotThisPartner(to.partner, "This partner has it already.")
            if not may_have(catalogue, to.partner, Wanted(before.site, before.category, before.topic), now):
                raise NotThisPartner(to.partner, "This partner does not take such requests now.")
            issue = issue_again(before, loaded.referral_id, loaded.version + 1, to, catalogue, now)
            follower = issue.referral.referral_id
            own = RerouteReferral(follower) if isinstance(loaded.state, Standing) else SettleNeed(follower)
            return Plan(own, [(follower, issue)])
    return Plan(RerouteReferral(""))


def _called_back(others: Family, referral_id: str) -> list[tuple[str, Command]]:
    """What a request was handed on to goes back from whoever has done nothing with it yet."""
    back: list[tuple[str, Command]] = []
    for other, loaded in others.members.items():
        match loaded.state:
            case Unmet():
                back.append((other, SettleNeed(referral_id)))
            case Standing(handed=handed, status=Status.ISSUED, is_touched=False) if handed.replaces:
                # What the house itself has chosen for somebody who stands beside is no consequence of this one.
                if handed.rule != BY_HAND or others.descends(other, referral_id):
                    back.append((other, CALL_BACK))
    return back


def _at_the_site(catalogue: Catalogue, loaded: Loaded, now: datetime) -> str:
    if isinstance(loaded.state, Standing):
        now = now.astimezone(catalogue.site(loaded.state.handed.site).zone)
    return timestamp(now)
