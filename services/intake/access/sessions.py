"""Sessions on the server: begun at sign-in, found by the hash of what the browser holds, ended for good."""

from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from services.intake.access import sign_ins
from services.intake.access.accounts import Accounts, principal_of_account
from services.intake.access.tables import ACCOUNTS, SESSIONS, Account
from shared.access.credentials import digest_of, new_secret
from shared.access.door import Known
from shared.database import StoreUnavailable
from shared.envelope import timestamp

IDLE_MAX = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is noted when somebody was last seen."""
OF_ONE_ACCOUNT_MAX = 10


class Sessions:
    """Who is signed in."""

    def __init__(self, accounts: Accounts) -> None:
        self._database, self._clock = accounts.database, accounts.clock

    async def begin(self, account: Account, address: str) -> str:
        """A new session: the secret that its browser is given, and that is kept nowhere."""
        secret, now = new_secret(), self._clock()

        def add(connection: Connection) -> None:
            _forget_over(connection, now)
            _forget_oldest(connection, account.account_id)
            connection.execute(
                insert(SESSIONS).values(
                    digest=digest_of(secret),
                    account_id=account.account_id,
                    began_at=timestamp(now),
                    seen_at=timestamp(now),
                )
            )
            sign_ins.note(connection, now, "signed-in", account.account_id, address)

        await self._database.write(add)
        return secret

    async def look(self, digest: bytes, *, uses: bool) -> Known | None:
        """Whose session it is, if it is one by now. `uses`: the person does something, and is seen."""
        query = (
            select(SESSIONS.c.began_at, SESSIONS.c.seen_at, ACCOUNTS)
            .join(ACCOUNTS, ACCOUNTS.c.account_id == SESSIONS.c.account_id)
            .where(SESSIONS.c.digest == digest, ACCOUNTS.c.disabled.is_(False))
        )
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        now, seen = self._clock(), datetime.fromisoformat(row.seen_at)
        longest = datetime.fromisoformat(row.began_at) + LONGEST
        if now >= min(seen + IDLE_MAX, longest):
            return None
        if uses and now - seen >= SEEN_EVERY:
            seen = now
            await self._note_seen(digest, now)
        account = Account.model_validate({column.name: row._mapping[column.name] for column in ACCOUNTS.columns})
        return Known(principal_of_account(account), min(seen + IDLE_MAX, longest), account.display_name)

    async def end(self, digest: bytes) -> None:
        """End a session; one that has ended already stays so."""
        now = self._clock()

        def remove(connection: Connection) -> None:
            account_id = connection.execute(select(SESSIONS.c.account_id).where(SESSIONS.c.digest == digest)).scalar()
            if account_id is not None:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest))
                sign_ins.note(connection, now, "signed-out", account_id)

        await self._database.write(remove)

    async def _note_seen(self, digest: bytes, now: datetime) -> None:
        change = update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen_at=timestamp(now))
        # A disk that is full keeps nobody from reading.
        with suppress(StoreUnavailable):
            await self._database.write(lambda connection: connection.execute(change))


def _forget_over(connection: Connection, now: datetime) -> None:
    over = (SESSIONS.c.seen_at < timestamp(now - IDLE_MAX)) | (SESSIONS.c.began_at < timestamp(now - LONGEST))
    connection.execute(delete(SESSIONS).where(over))
    sign_ins.forget_old(connection, now)


def _forget_oldest(connection: Connection, account_id: str) -> None:
    query = select(SESSIONS.c.digest).where(SESSIONS.c.account_id == account_id).order_by(SESSIONS.c.began_at.desc())
    too_many = connection.execute(query).scalars().all()[OF_ONE_ACCOUNT_MAX - 1 :]
    connection.execute(delete(SESSIONS).where(SESSIONS.c.digest.in_(too_many)))
