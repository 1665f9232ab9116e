"""Tokens of machines: shown once, kept as a hash, for one role, for a while."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, insert, select, update

from services.intake.access import sign_ins
from services.intake.access.tables import SHORT_TOKENS, TOKENS
from shared.access.credentials import digest_of, new_token
from shared.access.door import Known
from shared.access.principal import Principal, Role
from shared.database import Database
from shared.envelope import timestamp
from shared.ids import new_id

DAYS_MAX = 90
"""Long enough to renew four times a year; two may be good at once, so that nothing stands still meanwhile."""
TOKEN_ID_PREFIX = "token-"  # noqa: S105 - it opens nothing


SHORT = timedelta(minutes=15)
OF_ONE_TOKEN_MAX = 100
"""Short ones at once: a desk on a command line swaps its token for each visit."""


class TokenUnknown(Exception):
    """There is no such token, or it was revoked before."""


class Issued(NamedTuple):
    """A new token: `token` is told once and never again."""

    token_id: str
    token: str
    expires_at: str


class Short(NamedTuple):
    """What a token was swapped for; told once and never again."""

    token: str
    expires_at: str
    expires_in_s: int


class TokenView(NamedTuple):
    """A token as it is listed: nothing of what opens the door."""

    token_id: str
    role: str
    partner: str | None
    site: str | None
    made_at: str
    expires_at: str
    revoked_at: str | None


class Tokens:
    """The tokens of one house."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    async def issue(self, role: Role, partner: str | None, site: str | None, days: int) -> Issued:
        """A new token, good for 1 to `DAYS_MAX` days."""
        assert 1 <= days <= DAYS_MAX
        now = self._clock()
        issued = Issued(TOKEN_ID_PREFIX + new_id(), new_token(), timestamp(now + timedelta(days=days)))

        def add(connection: Connection) -> None:
            connection.execute(
                insert(TOKENS).values(
                    token_id=issued.token_id,
                    digest=digest_of(issued.token),
                    role=role.value,
                    partner=partner,
                    site=site,
                    made_at=timestamp(now),
                    expires_at=issued.expires_at,
                )
            )
            sign_ins.note(connection, now, "token-issued", issued.token_id)

        await self._database.write(add)
        return issued

    async def swap(self, digest: bytes, address: str) -> Short:
        """A token for the next quarter of an hour, for the one of this digest. Raises `TokenUnknown`."""
        now, token = self._clock(), new_token()

        def add(connection: Connection) -> Short:
            row = connection.execute(_good(digest)).one_or_none()
            if row is None or timestamp(now) >= row.expires_at:
                raise TokenUnknown
            _forget_short(connection, row.token_id, now)
            until = min(timestamp(now + SHORT), row.expires_at)
            connection.execute(
                insert(SHORT_TOKENS).values(digest=digest_of(token), token_id=row.token_id, expires_at=until)
            )
            sign_ins.note(connection, now, "token-swapped", row.token_id, address)
            return Short(token, until, round((datetime.fromisoformat(until) - now).total_seconds()))

        return await self._database.write(add)

    async def revoke(self, token_id: str) -> None:
        """End a token. Raises `TokenUnknown`."""
        now = self._clock()

        def end(connection: Connection) -> None:
            good = (TOKENS.c.token_id == token_id) & TOKENS.c.revoked_at.is_(None)
            changed = connection.execute(update(TOKENS).where(good).values(revoked_at=timestamp(now)))
            if not changed.rowcount:
                raise TokenUnknown
            sign_ins.note(connection, now, "token-revoked", token_id)

        await self._database.write(end)

    async def all(self) -> list[TokenView]:
        """Every token, oldest first."""
        query = select(*(TOKENS.c[name] for name in TokenView._fields)).order_by(TOKENS.c.token_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [TokenView(*row) for row in rows]

    async def look(self, digest: bytes) -> Known | None:
        """Whose token it is, if it is one by now. A short one is its token's, and ends with it."""

        def find(connection: Connection) -> tuple[Any, str, bool] | None:
            row = connection.execute(_good(digest)).one_or_none()
            if row is not None:
                return row, row.expires_at, True
            row = connection.execute(_GOOD_SHORT.where(SHORT_TOKENS.c.digest == digest)).one_or_none()
            return None if row is None else (row, row.short_until, False)

        found = await self._database.read(find)
        if found is None or self._clock() >= (until := datetime.fromisoformat(found[1])):
            return None
        row, _, is_long = found
        role = Role(row.role)
        to_swap = is_long and role is Role.FRONT_DESK
        return Known(Principal(role, row.partner, row.token_id, row.site, to_swap=to_swap), until)


_GOOD = select(TOKENS).where(TOKENS.c.revoked_at.is_(None))
_GOOD_SHORT = _GOOD.join(SHORT_TOKENS, SHORT_TOKENS.c.token_id == TOKENS.c.token_id).add_columns(
    SHORT_TOKENS.c.expires_at.label("short_until")
)


def _good(digest: bytes) -> Select[Any]:
    return _GOOD.where(TOKENS.c.digest == digest)


def _forget_short(connection: Connection, token_id: str, now: datetime) -> None:
    """Those that are over, and of one token the oldest that are too many."""
    columns = SHORT_TOKENS.c
    connection.execute(delete(SHORT_TOKENS).where(columns.expires_at <= timestamp(now)))
    query = select(columns.digest).where(columns.token_id == token_id).order_by(columns.expires_at.desc())
    too_many = connection.execute(query.offset(OF_ONE_TOKEN_MAX - 1)).scalars().all()
    connection.execute(delete(SHORT_TOKENS).where(columns.digest.in_(too_many)))
