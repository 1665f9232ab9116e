"""Corrections and voids under every interleaving: the figures equal a new count, at every moment and in the end."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.intake.commands import RecordVisit
from services.intake.corrections.changes import VisitChanges
from services.intake.corrections.visits import (
    CorrectVisit,
    RequestRight,
    Visit,
    VoidReason,
    correct,
    visits_of,
    void,
)
from services.intake.handlers import record_visit
from services.intake.invitations.codes import code_of
from services.intake.invitations.giving import find, use
from services.intake.waiting.arrivals import WaitingRooms
from services.intake.waiting.room import Waiting
from services.referral.commands import ReopenReferral, UndoMove
from services.referral.handlers.referrals import By, Referrals, RequestGone
from services.verify import verify
from shared.access.scope import INNER
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.decider import Refusal
from shared.envelope import decode
from shared.events.intake import RequestMade, VisitCorrected, VisitVoided
from shared.execute import Context
from shared.ids import derive_id, new_id
from shared.log import Log, partition_of
from shared.settings import Settings
from shared.web.problems import Problem
from tests.logs import opened_database
from tests.passing_on import ENTRIES_MAX, Reading, pass_on, readers, referral_log
from tests.referral_stories import live_at_random, several_house
from tests.small_house import SmallHouse
from tests.two_sites import SECOND, SECOND_SITE

SITE = "fontaine-d-ouche"
LANGUAGES, INVITES = (None, "ar", "tr"), "p08"
CATEGORIES = ("social_rights", "health", "administrative", "financial", "legal")
CHANNELS = ("in_person", "phone", "mail")
# The last minute of a day, the first of the next, and both hours of the night on which clocks go back.
MOMENTS = (
    "2008-03-11T23:59:00.000+01:00", "2008-03-12T00:01:00.000+01:00", "2008-10-26T02:30:00.000+02:00",
    "2008-10-26T02:30:00.000+01:00", "2008-12-31T23:30:00.000+01:00",
)  # fmt: skip
STEPS = (
    "record", "correct", "correct", "void", "refer", "refer", "move", "move", "wait", "wait", "come", "count", "count",
    "show", "verify",
)  # fmt: skip


@dataclass
class Town:
    """Three services that hear of each other when, and as far as, the test wants them to."""

    settings: Settings
    catalogue: Catalogue
    databases: dict[str, Database]
    intake: Log
    referral: Log
    chance: Random
    arrivals: list[str] = field(default_factory=list)

    async def step(self, what: str) -> None:
        """Let one thing happen."""
        match what:
            case "record":
                await self.record(self.chance.choices(CATEGORIES, k=self.chance.randint(1, 3)))
            case "correct" | "void":
                await self._change(what)
            case "refer":
                await self._pass_on(self._readers()[0])
            case "count" | "show":
                reader = "stats" if what == "count" else "intake"
                await self._pass_on([one for one in self._readers()[1] if one[0].place.reader == reader])
            case "move":
                if any((await self.referral.heads()).values()):
                    await live_at_random(self.databases["referral"], self.referral, self.catalogue, self.chance, 15)
            case "wait":
                await self._wait()
            case "come":
                await self._come()
            case "verify":
                await self.is_well()

    async def hear_everything(self) -> None:
        """Let everybody come to the end of what there is to hear."""
        referral_hears, others_hear = self._readers()
        for subscription, log in (*referral_hears, *others_hear):
            await pass_on(log, subscription)

    async def is_well(self) -> None:
        """The audit finds nothing wrong."""
        document = await verify(self.settings)
        assert document["ok"], [check for check in document["checks"] if not check["ok"]]

    async def visits(self) -> dict[str, Visit]:
        """Every visit as it stands."""
        read = [await self.intake.read_after(partition, 0, ENTRIES_MAX) for partition in await self.intake.heads()]
        return visits_of([decode(entry.body) for entries in read for entry in entries])

    async def figures(self, condition: str) -> dict[tuple[str, str, str], int]:
        """What stats shows in all, as far as it is anything."""
        sql = text(
            "SELECT figure, dimension, value, count FROM figures WHERE site = '' AND grain = 'all' AND count <> 0"
            f" AND {condition} ORDER BY 1, 2, 3"
        )
        rows = await self.databases["stats"].read(lambda connection: connection.execute(sql).all())
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    async def void_everything(self) -> None:
        """Say of every visit that it never was."""
        for visit in (await self.visits()).values():
            if visit.voided_for is None:
                await self.change(visit, "void")

    async def change(
        self, visit: Visit, what: str, command: CorrectVisit | None = None, why: VoidReason | None = None
    ) -> None:
        """Correct or void a visit."""
        changes = VisitChanges(self.intake, self.catalogue)

        def decide(now: Visit, _at: datetime) -> VisitCorrected | VisitVoided:
            reason = why or self.chance.choice(list(VoidReason))
            return void(now, reason) if what == "void" else correct(now, command or self._right(now))

        await changes.carry_out(visit.told.visit_id, what, b"", f'"{visit.version}"', {}, decide)

    async def record(
        self,
        categories: Sequence[str],
        answered: float = 0.2,
        arrival: str | None = None,
        *,
        children: bool = False,
        at: str | None = None,
    ) -> None:
        """Record a visit, a part of whose requests is answered on the spot."""
        visit_id, case_id = new_id(), new_id()
        requests = tuple(
            RequestMade(derive_id(visit_id, n), category, answered=self.chance.random() < answered)
            for n, category in enumerate(categories)
        )
        children = children or self.chance.random() < 0.5
        command = RecordVisit(
            visit_id, case_id, SITE, self.chance.choice(CHANNELS), requests, opens_case=True,
            language=self.chance.choice(LANGUAGES), needs=self._needs(), children=children,
            invitation=(code_of(visit_id), INVITES) if children else None,
            arrival_id=arrival or self.chance.choice([None, *self.arrivals]),
        )  # fmt: skip
        context = Context(at or self.chance.choice(MOMENTS), partition_of(case_id, self.intake.partitions), visit_id)
        await record_visit(self.intake, command, context)

    async def _wait(self) -> None:
        """Somebody comes, is received, leaves, or none of it; today, or on a day long ago."""
        long_ago = self.chance.random() < 0.5
        now = datetime.fromisoformat(f"2008-03-11T23:{self.chance.randint(10, 59)}:00+01:00") if long_ago else utc_now()
        rooms = WaitingRooms(self.intake, self.catalogue, lambda: now)
        if not self.arrivals or self.chance.random() < 0.4:
            noted, _ = await rooms.note(SITE, {})
            self.arrivals.append(noted.event.arrival_id)
            return
        arrival = await rooms.arrival(INNER, self.chance.choice(self.arrivals))
        move = self.chance.choice((rooms.receive, rooms.receive, rooms.let_go, rooms.undo))
        with suppress(Refusal):
            came = arrival if isinstance(arrival, Waiting) else arrival.before
            await move(came.arrival_id, arrival.version, {})

    async def _come(self) -> None:
        """A family comes with its slip."""
        told = [visit.told.invitation for visit in (await self.visits()).values() if visit.told.invitation]
        if not told:
            return
        code = self.chance.choice(told)
        found = await find(self.intake, INNER, code)
        assert found
        with suppress(Refusal):
            await use(self.intake, INNER, code, self.chance.choice(MOMENTS), found.version, None)

    def _needs(self) -> tuple[str, ...]:
        return tuple(sorted(self.chance.sample(("interpreter", "reader"), self.chance.randint(0, 2))))

    async def _change(self, what: str) -> None:
        standing = [one for one in (await self.visits()).values() if one.voided_for is None]
        if standing:
            with suppress(Problem):
                await self.change(self.chance.choice(standing), what)

    def _right(self, visit: Visit) -> CorrectVisit:
        chance, rights = self.chance, list[RequestRight]()
        for made in visit.told.requests:
            fate = chance.random()
            if fate < 0.2:
                continue
            changed = {"category": chance.choice(CATEGORIES), "answered": chance.random() < 0.3} if fate < 0.5 else {}
            rights.append(RequestRight(made.request_id, changed))
        if not rights or chance.random() < 0.3:
            rights.append(RequestRight(None, {"category": chance.choice(CATEGORIES)}))
        channel = chance.choice((None, *CHANNELS))
        told = {
            "site": chance.choice((SITE, SECOND)), "language": chance.choice(LANGUAGES), "needs": self._needs(),
            "children": chance.random() < 0.5,
        }  # fmt: skip
        said = {name: value for name, value in told.items() if chance.random() < 0.4}
        requests = tuple(rights) if chance.random() < 0.7 else None
        return CorrectVisit(channel, chance.choice((None, *MOMENTS)), requests, said)

    async def _pass_on(self, reading: Reading) -> None:
        subscription, log = self.chance.choice(reading)
        await pass_on(log, subscription, entries_max=self.chance.randint(1, 8))

    def _readers(self) -> tuple[Reading, Reading]:
        return readers(self.settings, self.databases, self.intake, self.referral, self.catalogue)


async def in_town(settings_: Settings, seed: int, work: Callable[[Town], Awaitable[None]]) -> None:
    """Open the services' databases, and do this with them."""
    catalogue = several_house(SECOND_SITE)
    async with AsyncExitStack() as stack:
        databases = {
            name: await stack.enter_async_context(opened_database(settings_.database(name), name))
            for name in ("intake", "referral", "stats")
        }
        intake, referral = Log(databases["intake"], "intake"), referral_log(databases["referral"], catalogue)
        for log in (intake, referral):
            await log.start()
        await work(Town(settings_, catalogue, databases, intake, referral, Random(seed)))


@contextmanager
def empty_folder() -> Iterator[Settings]:
    with TemporaryDirectory() as folder:
        yield Settings(data=Path(folder))


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(steps=st.lists(st.sampled_from(STEPS), min_size=10, max_size=45), seed=st.integers(0, 10_000))
def test_whatever_is_heard_in_whatever_order_the_figures_equal_a_new_count(steps: list[str], seed: int) -> None:
    async def story(town: Town) -> None:
        for step in steps:
            await town.step(step)
        await town.hear_everything()
        await town.is_well()
        await town.void_everything()
        for step in ("count", "refer", "count"):
            await town.step(step)
        await town.is_well()
        await town.hear_everything()
        await town.is_well()
        # As if there had never been a visit; what became of what was handed over stays history, and nothing is open.
        assert await town.figures("figure IN ('visits', 'requests', 'needs')") == {}
        assert await town.figures("figure = 'invitations' AND value = 'given'") == {}
        ended = "('completed', 'declined', 'rerouted', 'expired', 'withdrawn')"
        assert await town.figures(f"figure = 'referrals' AND dimension = 'status' AND value NOT IN {ended}") == {}

    with empty_folder() as opened:
        asyncio.run(in_town(opened, seed, story))


def test_so_it_is_on_postgresql_in_many_partitions(postgres_url: str, tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        for _ in range(60):
            await town.step(town.chance.choice(STEPS))
        await town.hear_everything()
        await town.is_well()
        await town.void_everything()
        await town.hear_everything()
        await town.is_well()
        assert await town.figures("figure IN ('visits', 'requests', 'needs')") == {}

    asyncio.run(in_town(Settings(data=tmp_path, database_url=postgres_url), 1, story))


def test_what_is_taken_back_while_partners_answer_is_nobodys_in_the_end(postgres_url: str, tmp_path: Path) -> None:
    opened = Settings(data=tmp_path, database_url=postgres_url)

    async def story(town: Town) -> None:
        for _ in range(12):
            await town.record(("health", "financial", "legal"), answered=0)
        await town.hear_everything()
        await town.void_everything()
        async with opened_database(opened.database("referral"), "referral") as database:
            # Another process of referral, whose partners answer while this one hears.
            elsewhere = referral_log(database, town.catalogue)
            await elsewhere.start()
            answering = live_at_random(database, elsewhere, town.catalogue, town.chance, 60)
            # Whoever answers what was taken back meanwhile is told so.
            await asyncio.gather(town.hear_everything(), answering, return_exceptions=True)
        await town.hear_everything()
        await town.is_well()
        assert await town.figures("figure IN ('visits', 'requests', 'needs')") == {}

    asyncio.run(in_town(opened, 7, story))


async def a_day_that_went_wrong(town: Town) -> None:
    """One visit was put on another day, one lost a request and gained another, one never was: nor did who waited."""
    rooms = WaitingRooms(town.intake, town.catalogue)
    noted, _ = await rooms.note(SITE, {})
    town.arrivals = [noted.event.arrival_id]
    await rooms.receive(noted.event.arrival_id, 1, {})
    for _ in range(4):
        await town.record(("social_rights", "health"), answered=0, arrival=noted.event.arrival_id, children=True)
    await town.hear_everything()
    moved, changed, voided, _ = (await town.visits()).values()
    await town.change(moved, "correct", CorrectVisit(occurred_at="2008-06-01T09:00:00.000+02:00"))
    await town.change(changed, "correct", CorrectVisit(requests=(RequestRight(None, {"category": "legal"}),)))
    await town.change(voided, "void", why=VoidReason.TEST)
    await town.hear_everything()


@pytest.fixture(scope="session")
def went_wrong(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Path:
    """A data folder to copy."""
    data = tmp_path_factory.mktemp("went-wrong")
    asyncio.run(in_town(Settings(data=data), 4, a_day_that_went_wrong))
    return data


@pytest.fixture
def small_house(went_wrong: Path, tmp_path: Path) -> SmallHouse:
    """A house at rest after such a day."""
    shutil.copytree(went_wrong, tmp_path / "data")
    return SmallHouse(Settings(data=tmp_path / "data"))


def says(kind: str, service: str = "referral", **facts: Any) -> Callable[[SmallHouse], None]:
    """Have an event of a kind say something else."""
    return lambda house: house.rewrite(kind, lambda document: document["data"].update(facts), service=service)


def forget(kind: str, service: str = "referral") -> Callable[[SmallHouse], None]:
    """Have an event of a kind tell of something else altogether."""
    nothing = {"type": f"{service}.nothing.v1"}
    return lambda house: house.rewrite(kind, lambda document: document.update(nothing), service=service)


def was_by_phone(document: dict[str, Any]) -> None:
    before = document["data"]["was"]
    before["channel"] = "phone" if before["channel"] != "phone" else "mail"


def invites_nobody(document: dict[str, Any]) -> None:
    document["data"]["now"].pop("invitation")


def had_no_ticket(document: dict[str, Any]) -> None:
    document["data"]["was"].pop("arrival_id")


FAULTS: dict[str, tuple[str, str, Callable[[SmallHouse], None]]] = {
    "a request that stays with its partner": (
        "corrections",
        "taken back 0 times, once is right",
        forget("request-dropped"),
    ),
    "a request taken back unasked": (
        "corrections",
        "which nobody asked for",
        says("request-dropped", request_id="01900000-0000-8000-8000-000000000000"),
    ),
    "a request that was something else": ("corrections", "still counts as", says("request-dropped", was="unmet")),
    "a request that counts on another day": (
        "corrections",
        "its visit was on",
        says("request-redated", requested_on="2008-06-02"),
    ),
    "a request that came from another day": (
        "corrections",
        "was moved to 2008-06-01, and counts as",
        says("request-redated", was_on="2008-06-02"),
    ),
    "a visit that was never like that": (
        "corrections",
        "says that it was what it was not",
        lambda house: house.rewrite("visit-voided", was_by_phone, service="intake"),
    ),
    "a visit that was on another day": (
        "corrections",
        "says that it was what it was not",
        says("visit-corrected", "intake", was_at="2008-03-10T09:30:00.000+01:00"),
    ),
    "a voided visit that counts": (
        "figures",
        "visits",
        lambda house: house.tamper("stats", "UPDATE figures SET count = count + 1 WHERE figure = 'visits'"),
    ),
    "an invitation of a visit that gives none, and is still good": (
        "front_desk",
        "is still good",
        lambda house: house.rewrite("visit-corrected", invites_nobody, service="intake"),
    ),
    "an invitation that is given while it is good": (
        "front_desk",
        "was given twice",
        forget("invitation-withdrawn", "intake"),
    ),
    "a ticket that was something else": (
        "front_desk",
        "is undone from what it never was",
        says("arrival-undone", "intake", was="left"),
    ),
    "minutes that were never waited": (
        "front_desk",
        "is undone from what it never was",
        says("arrival-undone", "intake", waited_min=77),
    ),
    "a ticket of a visit that stands": (
        "front_desk",
        "none of it was voided",
        lambda house: house.rewrite("visit-voided", had_no_ticket, service="intake"),
    ),
    "a ticket that is taken back and counts": (
        "figures",
        "arrivals",
        lambda house: house.tamper("stats", "UPDATE figures SET count = count + 1 WHERE figure = 'arrivals'"),
    ),
    "an open referral of a voided visit": ("corrections", "is open, its request", forget("withdrawn")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_what_follows_a_correction_is_found(small_house: SmallHouse, fault: str) -> None:
    assert small_house.faults() == {}
    check, words, plant = FAULTS[fault]
    plant(small_house)
    assert words in small_house.faults().get(check, "")


def test_what_was_taken_back_does_not_come_back(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        await town.record(("social_rights", "health"), answered=0)
        await town.hear_everything()
        (visit,) = (await town.visits()).values()
        await town.change(visit, "void")
        await town.hear_everything()
        referrals = Referrals(town.referral, town.databases["referral"], town.catalogue)
        sql = text("SELECT referral_id, version FROM queue_items WHERE status = 'withdrawn' AND queue <> 'coordinator'")
        rows = await town.databases["referral"].read(lambda connection: connection.execute(sql).all())
        assert rows
        for referral_id, version in rows:
            for asked in (ReopenReferral("mistake"), UndoMove()):
                with pytest.raises(RequestGone):
                    await referrals.carry_out(referral_id, asked, By("desk"), version)

    asyncio.run(in_town(Settings(data=tmp_path), 1, story))


@pytest.mark.parametrize(
    ("came", "minutes"),
    [("23:39:30", 19), ("23:59:30", 0), ("23:10:00", 49)],
    ids=["waited", "by-a-slow-clock", "long"],
)
def test_who_is_received_by_their_visit_has_waited_until_its_moment(tmp_path: Path, came: str, minutes: int) -> None:
    async def story(town: Town) -> None:
        rooms = WaitingRooms(town.intake, town.catalogue, lambda: datetime.fromisoformat(f"2008-03-11T{came}+01:00"))
        noted, _ = await rooms.note(SITE, {})
        await town.record(("health",), arrival=noted.event.arrival_id, at=MOMENTS[0])
        arrival = await rooms.arrival(INNER, noted.event.arrival_id)
        assert (arrival.status, getattr(arrival, "waited_min", None)) == ("received", minutes)
        await town.hear_everything()
        await town.is_well()

    asyncio.run(in_town(Settings(data=tmp_path), 1, story))
