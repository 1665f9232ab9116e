"""What the desk proposes is where the request goes."""

from datetime import datetime, timedelta
from pathlib import Path

from services.intake.pages.proposing import proposals
from services.referral.routing import Routed, Wanted, route
from shared.catalogue import load_catalogue

HOUSE = load_catalogue(Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml")
SITE = HOUSE.default_site.code


def test_the_desk_proposes_the_partner_that_the_request_will_go_to() -> None:
    subjects: list[tuple[str, str | None]] = [(category.code, None) for category in HOUSE.categories]
    subjects += [(topic.category, topic.code) for topic in HOUSE.topics]
    begins = datetime.fromisoformat("2008-10-27T07:10:00+01:00")
    # Two weeks, around a public holiday and the first day of a partner, at all hours.
    for moment in (begins + timedelta(hours=5 * n, minutes=7 * n) for n in range(70)):
        for category, topic in subjects:
            goes = route(Wanted(SITE, category, topic), HOUSE, moment)
            proposed = proposals(HOUSE, SITE, category, topic, moment)
            expected = goes.partner if isinstance(goes, Routed) else None
            assert (proposed[0].partner if proposed else None) == expected, (category, topic, moment)


def test_who_is_in_the_building_is_proposed_with_the_office() -> None:
    monday = datetime.fromisoformat("2008-03-10T10:00:00+01:00")
    first = proposals(HOUSE, SITE, "housing", None, monday)[0]
    assert first.now
    assert first.office
    assert first.end is not None
    assert first.end > monday


def test_the_house_itself_answers_where_no_partner_does() -> None:
    assert proposals(HOUSE, SITE, "administrative", None, datetime.fromisoformat("2008-03-10T10:00:00+01:00")) == []
