"""Vaults and people to write tests about; every person here is plainly invented."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from services.intake.persons import People
from services.intake.vault import Access, Identity, Vault
from shared.envelope import timestamp
from shared.events.intake import CaseOpened, VisitRecorded
from shared.execute import Context
from shared.ids import new_id
from shared.log import ANY, Append, Log, partition_of
from shared.settings import Settings
from tests.logs import founded, opened_log

NOW = datetime(2008, 3, 11, 9, 30, tzinfo=UTC)
ZOE = Identity("Zoé", "Canari-Inventée", "1970-02-28", "06 00 00 74 31", "zoe@canari.invalid", "1 rue Inventée", "fr")


@dataclass
class Clock:
    """The time that it is told to be."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Desk:
    """A log, a vault and the people in them."""

    log: Log
    vault: Vault
    people: People
    clock: Clock

    def access(self, what: str = "read") -> Access:
        return Access(what, "tester", "nobody", self.clock())

    async def open_case(self) -> str:
        """A case with one visit, now."""
        case_id = new_id()
        await self._append(case_id, CaseOpened(case_id, "fontaine-d-ouche"))
        await self.visit(case_id)
        return case_id

    async def visit(self, case_id: str) -> None:
        """One more visit, now."""
        visit = VisitRecorded(new_id(), case_id, "fontaine-d-ouche", "phone", ())
        await self._append(case_id, visit, visit.visit_id)

    async def attach(self, identity: Identity = ZOE, case_id: str = "") -> str:
        """Somebody known, with a case."""
        person_id, case_id = new_id(), case_id or await self.open_case()
        await self.people.attach(case_id, person_id, identity, self.context(case_id, person_id), None)
        return person_id

    def context(self, case_id: str, person_id: str) -> Context:
        return Context(timestamp(self.clock()), partition_of(case_id, self.log.partitions), tag=person_id)

    async def _append(self, case_id: str, event: CaseOpened | VisitRecorded, tag: str | None = None) -> None:
        partition = partition_of(case_id, self.log.partitions)
        await self.log.append(Append(f"case-{case_id}", [event], ANY, timestamp(self.clock()), partition, tag))


def settings_of(database_url: str, data: Path, secret: str = "") -> Settings:
    """Settings of a house on that store; its files, if any, in `data`."""
    on_postgresql = "" if database_url.startswith("sqlite") else database_url
    return Settings(data=data, database_url=on_postgresql, vault_key=SecretStr(secret))


@asynccontextmanager
async def opened_vault(settings: Settings) -> AsyncIterator[Vault]:
    """A vault, for as long as the block runs."""
    if not settings.database_url:
        for part in ("vault", "keys"):
            founded(settings.database(part), part)
    vault = Vault(settings)
    try:
        await vault.start()
        yield vault
    finally:
        await vault.stop()


@asynccontextmanager
async def opened_desk(settings: Settings, clock: Callable[[], datetime] | None = None) -> AsyncIterator[Desk]:
    """A log and a vault on the same store."""
    used = clock if isinstance(clock, Clock) else Clock()
    async with opened_log(settings.database("intake")) as log, opened_vault(settings) as vault:
        people = People(log, vault, used)
        await people.settle()
        yield Desk(log, vault, people, used)


def files_holding(folder: Path, secret: bytes) -> list[str]:
    """The files under a folder that hold these bytes."""
    return [file.name for file in sorted(folder.rglob("*")) if file.is_file() and secret in file.read_bytes()]
