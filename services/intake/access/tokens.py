"""Tokens of machines: shown once, kept as a hash, for one role, for a while."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from services.intake.access import sign_ins
from services.intake.access.tables import TOKENS
from shared.access.credentials import digest_of, new_token
from shared.access.door import Known
from shared.access.principal import Principal, Role
from shared.database import Database
from shared.envelope import timestamp
from shared.ids import new_id

DAYS_MAX = 90
"""Long enough to renew four times a year; two may be good at once, so that nothing stands still meanwhile."""
TOKEN_ID_PREFIX = "token-"  # noqa: S105 - it opens nothing


class TokenUnknown(Exception):
    """There is no such token, or it was revoked before."""


class Issued(NamedTuple):
    """A new token: `token` is told once and never again."""

    token_id: str
    token: str
    expires_at: str


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
        """Whose token it is, if it is one by now."""
        query = select(TOKENS).where(TOKENS.c.digest == digest, TOKENS.c.revoked_at.is_(None))
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None or self._clock() >= datetime.fromisoformat(row.expires_at):
            return None
        principal = Principal(Role(row.role), row.partner, row.token_id, row.site)
        return Known(principal, datetime.fromisoformat(row.expires_at))
