"""Different people on both stores: who came, who came again, and who turns out to be somebody else."""

from datetime import date

from sqlalchemy import text

from services.stats.facts import Fact
from services.stats.people.distinct import Range, different
from services.stats.people.keeping import Kept
from services.stats.people.presences import PEOPLE
from services.stats.periods import Grain
from shared.events.intake import CasesMerged, CasesUnmerged, RequestMade, VisitRecorded, VisitVoided
from tests.logs import by_hand, founded

BEGIN, END = date(2007, 12, 15), date(2009, 2, 10)


def visit(case: str, day: str, site: str) -> Fact:
    made = VisitRecorded(f"v-{case}-{day}", case, site, "phone", (RequestMade("q", "legal"),))
    return Fact(made, f"case-{case}", f"{day}T10:00:00.000+01:00")


def test_people_of_any_range_are_counted_alike_on_both_stores(database_url: str) -> None:
    founded(database_url, "stats")
    days = ("2007-12-31", "2008-01-01", "2008-03-11", "2009-02-10", "2009-02-11")
    came = [visit(case, day, site) for case in ("c1", "c2", "c3") for day in days for site in ("east", "west")]
    merge, back = CasesMerged("c1", "c2"), CasesUnmerged("c1", "c2")
    with by_hand(database_url, "stats").begin() as connection:

        def people(by: str | None = None, grain: Grain | None = None) -> dict[tuple[str, str], int]:
            return different(connection, Range(PEOPLE, by, grain, BEGIN, END, None))

        Kept(came, "").apply(connection)
        assert people() == {("", ""): 3}
        assert people("site") == {("", "east"): 3, ("", "west"): 3}
        assert people(grain=Grain.YEAR) == {("2007", ""): 3, ("2008", ""): 3, ("2009", ""): 3}
        Kept([Fact(merge, "case-c2", days[0])], "").apply(connection)
        assert people("identity", Grain.WEEK)["2008-W01", "anonymous"] == 2
        assert people() == {("", ""): 2}
        Kept([Fact(back, "case-c2", days[0])], "").apply(connection)
        assert people() == {("", ""): 3}
        voided = [Fact(VisitVoided(one.event, one.occurred_at, "twice"), one.stream, one.occurred_at)
                  for one in came if isinstance(one.event, VisitRecorded)]  # fmt: skip
        Kept(voided, "").apply(connection)
        assert people() == {}
        assert not connection.execute(text("SELECT 1 FROM people_counts WHERE count <> 0")).all()
