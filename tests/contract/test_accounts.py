"""Accounts, sessions and tokens on both stores: how long they last, what ends them, and what is kept of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DatabaseError

from services.intake.access import passwords as passwords_
from services.intake.access import sign_ins
from services.intake.access.accounts import AccountUnknown, LoginTaken
from services.intake.access.entrance import FIRST_LOGIN, FIRST_PASSWORD, Entrance
from services.intake.access.sessions import IDLE_MAX, LONGEST, OF_ONE_ACCOUNT_MAX
from services.intake.access.throttle import ADDRESS_MAX, EVERYWHERE_MAX, HERE_MAX, WINDOW_S, Throttle
from services.intake.access.tokens import OF_ONE_TOKEN_MAX, SHORT, TokenUnknown
from services.intake.app import SCHEMA
from services.intake.chain import check
from shared.access.credentials import Credential, Kind, digest_of
from shared.access.door import AWAY_S_MAX, FRESH_S, Door, Known, LookupAway
from shared.access.principal import Principal, Role
from shared.database import Database
from shared.ids import new_id
from shared.migrations import migrate
from shared.web.problems import Problem
from tests.logs import by_hand, founded

CHOSEN = "une phrase longue et inventée"
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2008, 3, 11, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def entrance(database_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Entrance]:
    database = Database(founded(database_url), "intake")
    await database.start()
    entrance = Entrance(database, clock, tmp_path)
    yield entrance
    await entrance.stop()
    await database.stop()


async def signed_in(entrance: Entrance, login: str = "desk") -> Credential:
    """A session of a new account."""
    made = await entrance.accounts.make(login, "Agent inventé", Role.FRONT_DESK, None, None)
    _, secret = await entrance.sign_in(login, made.password, CHOSEN, HERE)
    return Credential(Kind.SESSION, digest_of(secret))


async def refused(trying: Awaitable[object]) -> str:
    with pytest.raises(Problem) as problem:
        await trying
    return problem.value.slug


async def test_a_session_ends_after_a_quarter_of_an_hour_without_use(entrance: Entrance, clock: Clock) -> None:
    session = await signed_in(entrance)
    for _ in range(5):
        clock.now += IDLE_MAX - MINUTE
        assert await entrance.look(session, uses=True)
    clock.now += IDLE_MAX
    assert await entrance.look(session, uses=True) is None


async def test_looking_at_a_live_page_is_no_use(entrance: Entrance, clock: Clock) -> None:
    session = await signed_in(entrance)
    clock.now += IDLE_MAX - MINUTE
    assert await entrance.look(session, uses=False)
    clock.now += MINUTE
    assert await entrance.look(session, uses=False) is None


async def test_a_session_ends_after_twelve_hours_however_much_it_is_used(entrance: Entrance, clock: Clock) -> None:
    session = await signed_in(entrance)
    began = clock.now
    while clock.now - began < LONGEST - 10 * MINUTE:
        clock.now += 10 * MINUTE
        known = await entrance.look(session, uses=True)
        assert known
        assert known.until <= began + LONGEST
    clock.now += 10 * MINUTE
    assert await entrance.look(session, uses=True) is None


async def test_what_ends_an_account_ends_its_sessions(entrance: Entrance) -> None:
    session = await signed_in(entrance)
    await entrance.accounts.disable("desk")
    assert await entrance.look(session, uses=True) is None
    assert await refused(entrance.sign_in("desk", CHOSEN, None, HERE)) == "wrong-sign-in"
    session = await signed_in(entrance, "other")
    await entrance.accounts.renew_password("other")
    assert await entrance.look(session, uses=True) is None
    assert await refused(entrance.sign_in("other", CHOSEN, None, HERE)) == "wrong-sign-in"


async def test_an_account_has_few_sessions_and_the_newest_stay(entrance: Entrance, clock: Clock) -> None:
    sessions = [await signed_in(entrance)]
    for _ in range(OF_ONE_ACCOUNT_MAX):
        clock.now += timedelta(seconds=1)
        _, secret = await entrance.sign_in("desk", CHOSEN, None, HERE)
        sessions.append(Credential(Kind.SESSION, digest_of(secret)))
    known = [await entrance.look(session, uses=True) is not None for session in sessions]
    assert known == [False] + [True] * OF_ONE_ACCOUNT_MAX


async def test_a_login_is_given_once(entrance: Entrance) -> None:
    await entrance.accounts.make("desk", "Agent inventé", Role.FRONT_DESK, None, None)
    with pytest.raises(LoginTaken):
        await entrance.accounts.make("desk", "Autre agent", Role.COORDINATOR, None, None)
    with pytest.raises(AccountUnknown):
        await entrance.accounts.disable("nobody")


async def test_a_token_is_good_for_its_days_and_until_it_is_revoked(entrance: Entrance, clock: Clock) -> None:
    issued = await entrance.tokens.issue(Role.PARTNER, "p07", "fontaine-d-ouche", 2)
    shown = Credential(Kind.TOKEN, digest_of(issued.token))
    known = await entrance.look(shown, uses=True)
    assert known
    assert known.principal == Principal(Role.PARTNER, "p07", issued.token_id, "fontaine-d-ouche")
    clock.now += timedelta(days=2)
    assert await entrance.look(shown, uses=True) is None
    issued = await entrance.tokens.issue(Role.STATISTICS, None, None, 90)
    await entrance.tokens.revoke(issued.token_id)
    assert await entrance.look(Credential(Kind.TOKEN, digest_of(issued.token)), uses=True) is None
    with pytest.raises(TokenUnknown):
        await entrance.tokens.revoke(issued.token_id)


async def test_the_database_holds_nothing_that_opens_a_door(entrance: Entrance) -> None:
    made = await entrance.accounts.make("desk", "Agent inventé", Role.FRONT_DESK, None, None)
    _, secret = await entrance.sign_in("desk", made.password, CHOSEN, HERE)
    issued = await entrance.tokens.issue(Role.COORDINATOR, None, None, 1)
    short = await entrance.tokens.swap(digest_of(issued.token), HERE)

    def everything(connection: Connection) -> list[Row[Any]]:
        tables = ("accounts", "sessions", "tokens", "short_tokens", "door_records")
        return [row for name in tables for row in connection.execute(text(f"SELECT * FROM {name}"))]

    rows = await entrance.accounts.database.read(everything)
    held = [bytes(value) if isinstance(value, memoryview) else value for row in rows for value in row]
    assert len(rows) >= 6
    for opens in (made.password, CHOSEN, secret, issued.token, short.token):
        assert not [value for value in held if isinstance(value, str) and opens in value]
        assert not [value for value in held if isinstance(value, bytes) and opens.encode() in value]
    assert [value for value in held if isinstance(value, str) and value.startswith("$argon2id$")]


async def test_a_record_of_the_door_that_was_changed_or_taken_out_shows(
    entrance: Entrance, database_url: str, clock: Clock
) -> None:
    database = entrance.accounts.database
    for _ in range(4):
        await refused(entrance.sign_in("nobody-here", "x", None, HERE))
    assert await database.read(whole) is None
    engine = by_hand(database_url, "intake")
    for statement in ("UPDATE door_records SET entry = '{}'", "DELETE FROM door_records"):
        with engine.connect() as connection, pytest.raises(DatabaseError, match="append-only"):
            connection.execute(text(statement))
    with engine.connect() as connection, connection.begin():
        on_sqlite = connection.dialect.name == "sqlite"
        connection.execute(text(f"DROP TRIGGER {'door_no_delete' if on_sqlite else 'door_no_change ON door_records'}"))
        connection.execute(text("DELETE FROM door_records WHERE sequence = 3"))
    assert await database.read(whole) == 3


async def test_the_chain_of_the_door_goes_on_when_old_records_are_forgotten(entrance: Entrance, clock: Clock) -> None:
    database = entrance.accounts.database
    for _ in range(3):
        await refused(entrance.sign_in("nobody-here", "x", None, HERE))
    clock.now += sign_ins.KEPT + MINUTE
    await signed_in(entrance)
    found = await database.read(lambda connection: sign_ins.page(connection, None))
    assert {entry.what for entry in found} == {"account-made", "password-chosen", "signed-in"}
    assert await database.read(whole) is None


async def test_records_of_before_the_chain_go_into_it_in_their_order(empty_database_url: str) -> None:
    migrate(empty_database_url, "intake", SCHEMA.versions, "0011")
    rows = [{"entry_id": new_id(), "at": f"2008-03-11T09:00:0{n}.000Z", "what": "refused"} for n in range(5)]
    with by_hand(empty_database_url, "intake").connect() as connection, connection.begin():
        for row in rows:
            values = {**row, "account_id": None, "address": HERE}
            connection.execute(
                text("INSERT INTO sign_ins VALUES (:entry_id, :at, :what, :account_id, :address)"), values
            )
    migrate(empty_database_url, "intake", SCHEMA.versions, SCHEMA.newest)
    database = Database(empty_database_url, "intake")
    await database.start()
    now = datetime(2008, 3, 12, tzinfo=UTC)
    await database.write(lambda connection: sign_ins.note(connection, now, "signed-in", "account-1", ELSEWHERE))
    assert await database.read(whole) is None
    found = await database.read(lambda connection: sign_ins.page(connection, None))
    older = await database.read(lambda connection: sign_ins.page(connection, found[2].entry_id))
    await database.stop()
    assert [entry.entry_id for entry in found[1:]] == [row["entry_id"] for row in reversed(rows)]
    assert (found[0].what, found[1].address) == ("signed-in", HERE)
    assert older == found[3:]


def whole(connection: Connection) -> int | None:
    """The first record at fault."""
    return check(connection, sign_ins.TRAIL).fault


def bearer(token: str) -> Credential:
    return Credential(Kind.TOKEN, digest_of(token))


async def test_what_a_token_is_swapped_for_is_good_for_a_quarter_of_an_hour(entrance: Entrance, clock: Clock) -> None:
    issued = await entrance.tokens.issue(Role.FRONT_DESK, None, "fontaine-d-ouche", 1)
    short = await entrance.tokens.swap(digest_of(issued.token), HERE)
    assert short.expires_in_s == SHORT.total_seconds()
    for token, to_swap in ((issued.token, True), (short.token, False)):
        known = await entrance.look(bearer(token), uses=True)
        assert known is not None
        principal = Principal(Role.FRONT_DESK, None, issued.token_id, "fontaine-d-ouche", to_swap=to_swap)
        assert known.principal == principal
    clock.now += SHORT - MINUTE
    assert await entrance.look(bearer(short.token), uses=True)
    clock.now += MINUTE
    assert await entrance.look(bearer(short.token), uses=True) is None
    assert await entrance.look(bearer(issued.token), uses=True)


async def test_no_short_token_outlives_the_one_it_was_swapped_for(entrance: Entrance, clock: Clock) -> None:
    issued = await entrance.tokens.issue(Role.FRONT_DESK, None, None, 1)
    clock.now += timedelta(days=1) - MINUTE
    short = await entrance.tokens.swap(digest_of(issued.token), HERE)
    assert short.expires_in_s == 60
    clock.now += MINUTE
    assert await entrance.look(bearer(short.token), uses=True) is None
    with pytest.raises(TokenUnknown):
        await entrance.tokens.swap(digest_of(issued.token), HERE)


async def test_a_token_has_so_many_short_ones_and_another_nobodys(entrance: Entrance, clock: Clock) -> None:
    one, other = [await entrance.tokens.issue(Role.FRONT_DESK, None, None, 1) for _ in range(2)]
    others = await entrance.tokens.swap(digest_of(other.token), HERE)
    given = []
    for _ in range(OF_ONE_TOKEN_MAX + 1):
        given.append(await entrance.tokens.swap(digest_of(one.token), HERE))
        clock.now += timedelta(seconds=1)
    good = [await entrance.look(bearer(short.token), uses=True) is not None for short in (others, *given)]
    assert good == [True, False, *[True] * OF_ONE_TOKEN_MAX]
    for never in (given[-1].token, "mai_" + "x" * 51):
        with pytest.raises(TokenUnknown):
            await entrance.tokens.swap(digest_of(never), HERE)


async def test_the_door_keeps_a_record_without_what_was_typed(entrance: Entrance, clock: Clock) -> None:
    session = await signed_in(entrance)
    await refused(entrance.sign_in("my-password-in-the-wrong-field", "x", None, ELSEWHERE))
    await entrance.sessions.end(session.digest)
    found = await entrance.accounts.database.read(lambda connection: sign_ins.page(connection, None))
    whats = ["signed-out", "refused", "signed-in", "password-chosen", "account-made"]
    assert sorted(entry.what for entry in found) == sorted(whats)
    assert "wrong-field" not in repr(found)
    clock.now += sign_ins.KEPT + timedelta(days=1)
    await signed_in(entrance, "later")
    found = await entrance.accounts.database.read(lambda connection: sign_ins.page(connection, None))
    assert "refused" not in {entry.what for entry in found}


async def test_a_login_that_there_is_not_costs_a_comparison_too(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    compare = passwords_.Passwords._compare

    def counted(self: passwords_.Passwords, kept: str, password: str) -> bool:
        compared.append(kept.rpartition("$")[0].rpartition("$")[0])
        return compare(self, kept, password)

    monkeypatch.setattr(passwords_.Passwords, "_compare", counted)
    await entrance.accounts.make("desk", "Agent inventé", Role.FRONT_DESK, None, None)
    await entrance.accounts.make("shut", "Agent inventé", Role.FRONT_DESK, None, None)
    await entrance.accounts.disable("shut")
    for login in ("desk", "shut", "nobody"):
        assert await refused(entrance.sign_in(login, CHOSEN, None, HERE)) == "wrong-sign-in"
    # The same work, with the same parameters, for whom there is and whom there is not.
    assert len(compared) == 3
    assert len(set(compared)) == 1


async def test_the_first_account_is_made_once(entrance: Entrance, tmp_path: Path) -> None:
    await entrance.start()
    await entrance._starting  # type: ignore[misc]
    password = (tmp_path / FIRST_PASSWORD).read_text().strip()
    await entrance.sign_in(FIRST_LOGIN, password, CHOSEN, HERE)
    assert not (tmp_path / FIRST_PASSWORD).exists()
    entrance._starting = None
    await entrance.start()
    assert entrance._starting is None


async def test_a_first_start_cut_off_before_its_account_goes_on_with_the_password_that_it_wrote(
    entrance: Entrance, tmp_path: Path
) -> None:
    (tmp_path / FIRST_PASSWORD).write_text("written-and-then-cut-off\n")
    await entrance.start()
    await entrance._starting  # type: ignore[misc]
    await entrance.sign_in(FIRST_LOGIN, "written-and-then-cut-off", CHOSEN, HERE)


@pytest.mark.parametrize("one_folder", [True, False])
async def test_of_two_first_starts_only_a_password_that_opens_stays_in_a_file(
    entrance: Entrance, tmp_path: Path, clock: Clock, one_folder: bool
) -> None:
    theirs = tmp_path if one_folder else tmp_path / "another"
    other = Entrance(entrance.accounts.database, clock, theirs)
    # Both have seen that there is no account before either makes one.
    await asyncio.gather(entrance._make_first(), other._make_first())
    await other.stop()
    (left,) = {
        path.read_text().strip() for path in (tmp_path / FIRST_PASSWORD, theirs / FIRST_PASSWORD) if path.exists()
    }
    await entrance.sign_in(FIRST_LOGIN, left, CHOSEN, HERE)


class TestThrottle:
    """How often may be guessed."""

    def tried(self, throttle: Throttle, login: str, address: str) -> bool:
        try:
            throttle.begin(login, address)
        except Problem:
            return False
        return True

    def test_who_guesses_waits_and_who_works_at_the_house_does_not(self) -> None:
        now = 0.0
        throttle = Throttle(lambda: now)
        throttle.begin("desk", HERE)
        throttle.succeeded("desk", HERE)
        guessers = [f"198.51.100.{n}" for n in range(10)]
        guessed = sum(self.tried(throttle, "desk", guesser) for guesser in guessers for _ in range(HERE_MAX + 3))
        assert guessed == EVERYWHERE_MAX
        assert self.tried(throttle, "desk", HERE)
        assert not self.tried(throttle, "desk", "203.0.113.9")
        now = WINDOW_S
        assert self.tried(throttle, "desk", "203.0.113.9")

    def test_one_address_guesses_only_so_often_whatever_it_guesses(self) -> None:
        throttle = Throttle(lambda: 0.0)
        assert sum(self.tried(throttle, f"desk-{n}", ELSEWHERE) for n in range(ADDRESS_MAX + 40)) == ADDRESS_MAX
        assert self.tried(throttle, "desk-1", HERE)

    def test_what_is_counted_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.intake.access.throttle.COUNTED_MAX", 50)
        throttle = Throttle(lambda: 0.0)
        for n in range(200):
            self.tried(throttle, f"desk-{n}", f"2001:db8::{n:x}")
            throttle.succeeded(f"desk-{n}", f"2001:db8::{n:x}")
        assert len(throttle._failures) <= 53
        assert len(throttle._trusted) <= 50


class TestDoor:
    """What is remembered of a lookup, and for how long."""

    WHO = Principal(Role.COORDINATOR, None, "account-1")
    SHOWN = Credential(Kind.TOKEN, b"1")

    @pytest.fixture
    def passed(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
        """Lets time pass."""
        now = [1_000.0]
        monkeypatch.setattr("shared.access.door.time.monotonic", lambda: now[0])

        def passes(seconds: float) -> None:
            now[0] += seconds

        return passes

    async def test_an_end_is_seen_within_seconds(self, passed: Callable[[float], None]) -> None:
        answers: list[Known | None] = [Known(self.WHO, datetime.max.replace(tzinfo=UTC)), None]

        async def look(_credential: Credential, _uses: bool) -> Known | None:
            return answers.pop(0)

        door = Door(look)
        assert await door.who(self.SHOWN) == self.WHO
        passed(FRESH_S / 2)
        assert await door.who(self.SHOWN) == self.WHO
        passed(FRESH_S)
        assert await door.who(self.SHOWN) is None

    async def test_who_is_known_goes_on_for_a_while_when_nobody_can_be_asked(
        self, passed: Callable[[float], None]
    ) -> None:
        asked = 0

        async def look(credential: Credential, _uses: bool) -> Known | None:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise LookupAway
            return Known(self.WHO, datetime.max.replace(tzinfo=UTC))

        door = Door(look)
        assert await door.who(self.SHOWN) == self.WHO
        passed(FRESH_S)
        assert [await door.who(self.SHOWN) for _ in range(3)] == [self.WHO] * 3
        # Not for each request anew: it was just found away.
        assert asked == 2
        assert await refused(door.who(Credential(Kind.TOKEN, b"2"))) == "sign-in-unavailable"
        passed(AWAY_S_MAX)
        assert await refused(door.who(self.SHOWN)) == "sign-in-unavailable"

    async def test_what_has_run_out_is_nobody_even_where_it_is_remembered(self) -> None:
        async def look(_credential: Credential, _uses: bool) -> Known | None:
            return Known(self.WHO, datetime(2008, 3, 11, tzinfo=UTC))

        assert await Door(look).who(self.SHOWN) is None
