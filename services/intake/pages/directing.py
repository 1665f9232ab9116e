"""Where the person of a recorded visit is to go, request by request: what referral said, else what was proposed."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.intake.pages.proposing import Proposal, at_once, proposal, proposals
from services.intake.queries import RequestView
from shared.catalogue import Catalogue

COORDINATOR = "coordinator"
_OVER = frozenset({"declined", "rerouted", "expired", "withdrawn"})


class Kind(StrEnum):
    """What happens to a request."""

    ANSWERED = "answered"
    PARTNER = "partner"
    TEAM = "team"
    NOBODY = "nobody"


class Directed(NamedTuple):
    """One request, and the places to go to. `is_confidential`: neither is shown or printed unasked."""

    category: str
    topic: str | None
    kind: Kind
    places: tuple[Proposal, ...] = ()
    is_confidential: bool = False


def directed(catalogue: Catalogue, site: str, request: RequestView, at: datetime) -> Directed:
    """Where to go with this request, at that moment (aware)."""
    category, topic = request.category, request.topic
    told = is_confidential(catalogue, topic)
    if request.answered:
        return Directed(category, topic, Kind.ANSWERED, is_confidential=told)
    going_on = [one.partner for one in request.referrals if one.status not in _OVER]
    house = catalogue.site(site)
    if known := [catalogue.partners_by_code[code] for code in going_on if code in catalogue.partners_by_code]:
        places = [proposal(catalogue, house, partner, at) for partner in known]
    elif going_on:
        places = []
    elif request.partner is not None and request.partner in catalogue.partners_by_code and not told:
        places = [proposal(catalogue, house, catalogue.partner(request.partner), at)]
    else:
        found = proposals(catalogue, site, category, topic, at)
        places = found if at_once(catalogue, category, topic) else found[:1]
    if places:
        return Directed(category, topic, Kind.PARTNER, tuple(places), told)
    known_category = catalogue.categories_by_code.get(category)
    kind = Kind.TEAM if known_category and known_category.on_the_spot else Kind.NOBODY
    return Directed(category, topic, kind, is_confidential=told)


def is_confidential(catalogue: Catalogue, topic: str | None) -> bool:
    """Whether it is not to be named on a screen or on paper: a sensitive topic, or one that may have been."""
    if topic is None:
        return False
    found = catalogue.topics_by_code.get(topic)
    return found is None or found.sensitive
