"""The one policy table: who may call which route. What it does not name is refused.

A rule says who may call the route; `own` narrows it, for partners only, to what is theirs: to a partner, another
partner's object is one that there is not. `personal` routes ask who it is in every mode, all others only where
`MAISON_ACCESS=required`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from shared.access.principal import Role


class Own(StrEnum):
    """What is one partner's own, in the word of its refusal: `There is no such ...`.

    Whose a queue is, its address says, and the gate keeps it; whose a referral is, the store, by the reading's scope.
    """

    QUEUE = "queue"
    REFERRAL = "referral"


class Rule(NamedTuple):
    """`roles` None: everybody, known or not. `from_anywhere`: the address is itself a secret that no page can guess.

    `unseen`: to everybody else there is no such thing, in this word, rather than one that they may not have.
    `live`: shows live figures by category, which the city's role sees only where the house file says who decided it.
    """

    roles: frozenset[Role] | None
    own: Own | None = None
    personal: bool = False
    from_anywhere: bool = False
    unseen: str | None = None
    live: bool = False

    def lets_in(self, role: Role, *, live_to_city: bool) -> bool:
        """Whether this role may call the route. `live_to_city`: the house decided to show the city live categories."""
        if self.roles is None:
            return True
        return role in self.roles and (not self.live or role is not Role.STATISTICS or live_to_city)


Route = tuple[str, str]
"""(method, template)."""

_DESK = (Role.FRONT_DESK, Role.COORDINATOR)
_HOUSE = (*_DESK, Role.STATISTICS, Role.DATA_PROTECTION)
_PROTECTION = (Role.DATA_PROTECTION, Role.COORDINATOR)

ALL = Rule(None)
SIGNED_ADDRESS = Rule(None, from_anywhere=True)
HOUSE_KEY = Rule(None)
"""Everybody may knock: the route itself asks for the house's key, and is not there for whoever has none."""


def only(*roles: Role, own: Own | None = None) -> Rule:
    """These roles; `own`: of partners, the one whose it is."""
    return Rule(frozenset(roles), own)


def personal(*roles: Role) -> Rule:
    """These roles, never anybody unknown: it opens what is held on people."""
    return Rule(frozenset(roles), None, personal=True)


SWAP = personal(*Role)
"""The one route that takes a desk's own token in a closed house."""
_SIGNED_IN = only(*Role)
_EVERY_SERVICE: Mapping[Route, Rule] = {
    ("GET", "/health/live"): ALL,
    ("GET", "/health/ready"): ALL,
    ("GET", "/openapi.json"): ALL,
    ("GET", "/asyncapi.json"): ALL,
    ("GET", "/metrics"): only(Role.OPERATIONS, Role.COORDINATOR),
    ("GET", "/static/{service}/{place}/{name}"): ALL,
    # It leads to the first page, which has a rule of its own.
    ("GET", "/"): ALL,
    ("POST", "/sign-out"): ALL,
    ("GET", "/internal/status"): HOUSE_KEY,
    ("POST", "/internal/copy"): HOUSE_KEY,
    ("GET", "/internal/hold"): HOUSE_KEY,
    ("GET", "/internal/recorded-at"): HOUSE_KEY,
    ("GET", "/internal/dead-letters"): HOUSE_KEY,
    ("POST", "/internal/dead-letters/replay"): HOUSE_KEY,
    ("POST", "/internal/dead-letters/discard"): HOUSE_KEY,
    ("POST", "/internal/rebuild"): HOUSE_KEY,
}

_INTAKE: Mapping[Route, Rule] = {
    ("POST", "/visits"): only(*_DESK),
    ("POST", "/visits/batch"): only(*_DESK),
    ("GET", "/visits/{visit_id}"): only(*_DESK),
    ("POST", "/visits/{visit_id}/correction"): only(*_DESK),
    ("POST", "/visits/{visit_id}/void"): only(*_DESK),
    ("GET", "/visits/{visit_id}/slip"): only(*_DESK),
    ("GET", "/desk"): only(*_DESK),
    ("POST", "/desk"): only(*_DESK),
    ("GET", "/desk/visits/{visit_id}"): only(*_DESK),
    ("POST", "/desk/visits/{visit_id}/correction"): only(*_DESK),
    ("POST", "/desk/visits/{visit_id}/void"): only(*_DESK),
    ("GET", "/desk/tally"): only(*_DESK),
    ("POST", "/desk/tally"): only(*_DESK),
    ("POST", "/arrivals"): only(*_DESK),
    ("GET", "/arrivals"): only(*_DESK),
    ("GET", "/arrivals/{arrival_id}"): only(*_DESK),
    ("POST", "/arrivals/{arrival_id}/received"): only(*_DESK),
    ("POST", "/arrivals/{arrival_id}/left"): only(*_DESK),
    ("POST", "/arrivals/{arrival_id}/undo"): only(*_DESK),
    ("POST", "/desk/waiting"): only(*_DESK),
    ("GET", "/desk/waiting/stream"): only(*_DESK),
    # Whom an invitation names is looked up there: to every other partner there is none.
    ("GET", "/invitations/{code}"): only(*_DESK, Role.PARTNER),
    ("POST", "/invitations/{code}/used"): only(*_DESK, Role.PARTNER),
    ("GET", "/desk/invitations"): only(*_DESK, Role.PARTNER),
    ("POST", "/desk/invitations"): only(*_DESK, Role.PARTNER),
    ("POST", "/actions"): only(*_DESK),
    ("GET", "/actions"): only(*_DESK),
    ("GET", "/actions/{action_id}"): only(*_DESK),
    ("POST", "/actions/{action_id}/attendances"): only(*_DESK),
    ("POST", "/actions/{action_id}/attendances/withdrawal"): only(*_DESK),
    ("POST", "/actions/{action_id}/headcount"): only(*_DESK),
    ("POST", "/actions/{action_id}/void"): only(*_DESK),
    ("GET", "/desk/actions"): only(*_DESK),
    ("POST", "/desk/actions"): only(*_DESK),
    ("GET", "/desk/actions/{action_id}"): only(*_DESK),
    ("POST", "/desk/actions/{action_id}"): only(*_DESK),
    ("GET", "/cases/{case_id}"): only(*_DESK),
    ("GET", "/desk/people"): personal(*_DESK),
    ("POST", "/desk/people"): personal(*_DESK),
    ("GET", "/people/{person_id}/page"): personal(*_DESK),
    ("POST", "/people/{person_id}/page"): personal(*_DESK),
    ("POST", "/cases/{case_id}/person/page"): personal(*_DESK),
    ("POST", "/cases/{case_id}/known-person/page"): personal(*_DESK),
    ("GET", "/cases/{case_id}/page"): only(*_DESK),
    ("POST", "/cases/{case_id}/page"): only(*_DESK),
    ("POST", "/cases/{case_id}/seal/page"): personal(*_PROTECTION),
    ("POST", "/cases/{case_id}/close"): only(*_DESK),
    ("POST", "/cases/{case_id}/reopen"): only(*_DESK),
    ("POST", "/cases/{case_id}/merge"): only(*_DESK),
    ("POST", "/cases/{case_id}/unmerge"): only(*_DESK),
    ("POST", "/cases/{case_id}/notes"): personal(*_DESK),
    ("GET", "/cases/{case_id}/notes"): personal(*_DESK),
    ("GET", "/cases/{case_id}/notes/page"): personal(*_DESK),
    ("POST", "/cases/{case_id}/notes/page"): personal(*_DESK),
    ("POST", "/cases/{case_id}/person"): personal(*_DESK),
    ("POST", "/cases/{case_id}/known-person"): personal(*_DESK),
    ("POST", "/cases/{case_id}/seal"): personal(*_PROTECTION),
    ("POST", "/cases/{case_id}/unseal"): personal(*_PROTECTION),
    ("POST", "/cases/{case_id}/opening"): personal(*_DESK),
    ("GET", "/cases/{case_id}/opening/page"): personal(*_DESK),
    ("POST", "/cases/{case_id}/opening/page"): personal(*_DESK),
    ("GET", "/openings"): personal(*_PROTECTION),
    ("GET", "/openings/page"): personal(*_PROTECTION),
    ("POST", "/openings/{opening_id}/seen"): personal(*_PROTECTION),
    ("POST", "/people/search"): personal(*_DESK),
    ("GET", "/people/{person_id}"): personal(*_DESK),
    ("POST", "/people/{person_id}/correction"): personal(*_DESK),
    ("GET", "/people/{person_id}/export"): personal(*_PROTECTION),
    ("GET", "/people/{person_id}/export/page"): personal(*_PROTECTION),
    ("POST", "/people/{person_id}/erasure"): personal(*_PROTECTION),
    # Whose it is, and whether it was accepted, is looked up there; all others find nothing.
    ("GET", "/disclosures/{referral_id}"): personal(Role.PARTNER)._replace(unseen="disclosure"),
    ("GET", "/retention/due"): personal(*_PROTECTION),
    ("GET", "/retention/page"): personal(*_PROTECTION),
    ("POST", "/retention/page"): personal(*_PROTECTION),
    ("POST", "/retention/erasure"): personal(*_PROTECTION),
    ("POST", "/eliminations"): personal(*_PROTECTION),
    ("GET", "/eliminations/{list_id}"): personal(*_PROTECTION),
    ("GET", "/eliminations/{list_id}/page"): personal(*_PROTECTION),
    ("POST", "/eliminations/{list_id}/page/visa"): personal(*_PROTECTION),
    ("POST", "/eliminations/{list_id}/page/execution"): personal(*_PROTECTION),
    ("POST", "/eliminations/{list_id}/visa"): personal(*_PROTECTION),
    ("POST", "/eliminations/{list_id}/execution"): personal(*_PROTECTION),
    ("POST", "/internal/vault/rotate"): HOUSE_KEY,
    ("GET", "/internal/vault/audit"): HOUSE_KEY,
    ("POST", "/internal/vault/copy"): HOUSE_KEY,
    ("GET", "/internal/vault/forgotten"): HOUSE_KEY,
    ("GET", "/sign-in"): ALL,
    ("POST", "/sign-in"): ALL,
    ("GET", "/sign-in/provider"): ALL,
    ("GET", "/sign-in/provider/back"): ALL,
    ("POST", "/session"): ALL,
    ("POST", "/session/end"): ALL,
    ("GET", "/session"): personal(*Role),
    ("POST", "/session/token"): SWAP,
    ("GET", "/audit"): personal(Role.DATA_PROTECTION),
    ("GET", "/audit/head"): personal(Role.DATA_PROTECTION, Role.OPERATIONS),
    ("POST", "/audit/check"): personal(Role.DATA_PROTECTION, Role.OPERATIONS),
    ("GET", "/accounts"): personal(*_PROTECTION),
    ("GET", "/accounts/sign-ins"): personal(Role.DATA_PROTECTION),
    ("POST", "/internal/access"): HOUSE_KEY,
    ("POST", "/internal/access/end"): HOUSE_KEY,
    ("POST", "/internal/accounts"): HOUSE_KEY,
    ("POST", "/internal/accounts/disable"): HOUSE_KEY,
    ("POST", "/internal/accounts/password"): HOUSE_KEY,
    ("GET", "/internal/tokens"): HOUSE_KEY,
    ("POST", "/internal/tokens"): HOUSE_KEY,
    ("POST", "/internal/tokens/revoke"): HOUSE_KEY,
}

_ANSWER = only(*_DESK, Role.PARTNER, own=Own.REFERRAL)
_REFERRAL: Mapping[Route, Rule] = {
    ("GET", "/partners"): _SIGNED_IN,
    ("GET", "/permanences"): _SIGNED_IN,
    ("GET", "/doors"): _SIGNED_IN,
    # A calendar that subscribes cannot sign in; a feed says who is where, and nothing of who goes there.
    ("GET", "/permanences/office/{site}/{office}.ics"): ALL,
    ("GET", "/permanences/partner/{code}.ics"): ALL,
    ("POST", "/permanences/{permanence_id}/cancel"): only(*_DESK),
    ("GET", "/desks"): only(*_DESK),
    ("GET", "/desks/{partner}"): only(*_DESK, Role.PARTNER, own=Own.QUEUE),
    ("GET", "/desks/{partner}/stream"): only(*_DESK, Role.PARTNER, own=Own.QUEUE),
    ("GET", "/desks/{partner}/day"): only(*_DESK, Role.PARTNER, own=Own.QUEUE),
    ("GET", "/desks/referral/{referral_id}"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/accept"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/decline"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/book"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/receive"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/miss"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/complete"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/undo"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/reopen"): _ANSWER,
    ("POST", "/desks/referral/{referral_id}/withdraw"): only(*_DESK),
    ("POST", "/desks/referral/{referral_id}/walk"): only(*_DESK),
    ("POST", "/desks/{partner}/day/cancel"): only(*_DESK),
    ("GET", "/week"): _SIGNED_IN,
    ("GET", "/queues/{partner}"): only(*_DESK, Role.PARTNER, own=Own.QUEUE),
    ("GET", "/queues/{partner}.csv"): only(*_DESK, Role.PARTNER, own=Own.QUEUE),
    ("GET", "/queues/{partner}/stream"): only(*_DESK, Role.PARTNER, own=Own.QUEUE),
    ("GET", "/referrals/{referral_id}"): _ANSWER,
    ("POST", "/referrals/{referral_id}/accept"): _ANSWER,
    ("POST", "/referrals/{referral_id}/decline"): _ANSWER,
    ("POST", "/referrals/{referral_id}/book"): _ANSWER,
    ("POST", "/referrals/{referral_id}/receive"): _ANSWER,
    ("POST", "/referrals/{referral_id}/miss"): _ANSWER,
    ("POST", "/referrals/{referral_id}/complete"): _ANSWER,
    ("POST", "/referrals/{referral_id}/undo"): _ANSWER,
    ("POST", "/referrals/{referral_id}/walk"): only(*_DESK),
    ("POST", "/referrals/{referral_id}/withdraw"): only(*_DESK),
    ("POST", "/referrals/{referral_id}/reopen"): _ANSWER,
    ("POST", "/referrals/{referral_id}/reroute"): only(*_DESK),
    ("GET", "/coordination"): only(Role.COORDINATOR),
    ("GET", "/coordination/page"): only(Role.COORDINATOR),
    ("POST", "/coordination/{referral_id}/reroute"): only(Role.COORDINATOR),
    ("POST", "/coordination/{referral_id}/withdraw"): only(Role.COORDINATOR),
    ("POST", "/referrals/{referral_id}/link"): only(*_DESK),
    # A partner without an account: the address is signed, and good for one referral.
    ("GET", "/answer/{token}"): SIGNED_ADDRESS,
    ("POST", "/answer/{token}"): SIGNED_ADDRESS,
}

_FIGURES = only(*_HOUSE)
_LIVE = _FIGURES._replace(live=True)
_STATS: Mapping[Route, Rule] = {
    ("GET", "/stats/live"): _FIGURES,
    ("GET", "/stats/live/stream"): _FIGURES,
    ("GET", "/stats/{figure}"): _FIGURES,
    ("GET", "/report/{year}"): _LIVE,
    ("GET", "/report/{year}/page"): _LIVE,
    ("GET", "/report"): _LIVE,
    ("GET", "/report/{year}/city"): _FIGURES,
    ("GET", "/report/{year}/city/page"): _FIGURES,
    ("GET", "/published"): _FIGURES,
    ("GET", "/figures"): _FIGURES,
    ("GET", "/figures/stream"): _FIGURES,
    ("GET", "/figures/bi"): _FIGURES,
    ("GET", "/exports/datapackage.json"): _FIGURES,
    ("GET", "/exports/bi.sqlite"): _FIGURES,
    ("GET", "/exports/{figure}.csv"): _FIGURES,
    ("GET", "/exports/{figure}.json"): _FIGURES,
    ("GET", "/exports/{figure}.parquet"): _FIGURES,
}

POLICY: Mapping[str, Mapping[Route, Rule]] = {
    "intake": {**_EVERY_SERVICE, **_INTAKE},
    "referral": {**_EVERY_SERVICE, **_REFERRAL},
    "stats": {**_EVERY_SERVICE, **_STATS},
}
