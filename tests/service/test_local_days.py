"""A visit belongs to the day that the site's own clock showed, whatever offset it was sent with."""

import pytest

from tests.service.street import Street, until

AUTUMN, SPRING = "2003-10-26", "2003-03-30"

# (sent, written down, the local day)
MOMENTS = (
    ("2003-03-11T00:00:00+01:00", "2003-03-11T00:00:00.000+01:00", "2003-03-11"),
    ("2003-03-12T23:59:59.999+01:00", "2003-03-12T23:59:59.999+01:00", "2003-03-12"),
    # The same moment said by three other clocks.
    ("2003-03-13T23:30:00Z", "2003-03-14T00:30:00.000+01:00", "2003-03-14"),
    ("2003-03-15T18:30:00-05:00", "2003-03-16T00:30:00.000+01:00", "2003-03-16"),
    ("2003-03-18T08:15:00+09:45", "2003-03-17T23:30:00.000+01:00", "2003-03-17"),
    # In autumn 02:30 comes twice, in spring not at all.
    (f"{AUTUMN}T02:30:00+02:00", f"{AUTUMN}T02:30:00.000+02:00", AUTUMN),
    ("2004-10-31T02:30:00+01:00", "2004-10-31T02:30:00.000+01:00", "2004-10-31"),
    (f"{SPRING}T01:30:00Z", f"{SPRING}T03:30:00.000+02:00", SPRING),
    # The last summer evening of the year is one day in Dijon and another in UTC.
    ("2005-10-29T22:30:00Z", "2005-10-30T00:30:00.000+02:00", "2005-10-30"),
    ("2004-02-29T12:00:00+01:00", "2004-02-29T12:00:00.000+01:00", "2004-02-29"),
    ("2004-12-31T23:30:00Z", "2005-01-01T00:30:00.000+01:00", "2005-01-01"),
)


@pytest.mark.parametrize(("sent", "written", "day"), MOMENTS)
def test_a_visit_counts_on_the_local_day(sent: str, written: str, day: str, street: Street) -> None:
    def counted() -> int:
        rows = street.stats.get("/stats/visits", params={"from": day, "to": day}).json()["rows"]
        count: int = rows[0]["count"]
        return count

    before = counted()
    visit = street.record("administrative", occurred_at=sent)
    assert street.intake.get(f"/visits/{visit['visit_id']}").json()["occurred_at"] == written
    until(lambda: counted() == before + 1)
    (row,) = [
        row
        for row in street.stats.get("/stats/visits", params={"period": "day", "from": day, "to": day}).json()["rows"]
        if row["period"] == day
    ]
    assert row["count"] == before + 1
