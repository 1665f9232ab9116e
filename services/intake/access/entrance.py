"""The entrance of the house: signing in, looking somebody up, and the first account of all."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from services.intake.access import sign_ins
from services.intake.access.accounts import LOGIN, Accounts, LoginTaken
from services.intake.access.passwords import BYTES_MAX, Passwords, check_new, new_one_time_password
from services.intake.access.sessions import Sessions
from services.intake.access.tables import Account
from services.intake.access.throttle import Throttle
from services.intake.access.tokens import Tokens
from shared.access.credentials import Credential, Kind
from shared.access.door import Known, LookupAway
from shared.access.principal import Role
from shared.database import Database, StoreUnavailable
from shared.web.problems import Problem
from shared.whole_files import make_once

FIRST_LOGIN = "coordination"
FIRST_PASSWORD = "first-password"  # noqa: S105 - the name of a file

_log = logging.getLogger(__name__)


class Entrance:
    """Everything that has to do with being let in, on intake's own database."""

    def __init__(self, database: Database, clock: Callable[[], datetime], data: Path) -> None:
        self._database, self._clock, self._data = database, clock, data
        self.passwords = Passwords()
        self.accounts = Accounts(database, self.passwords, clock)
        self.sessions = Sessions(self.accounts)
        self.tokens = Tokens(database, clock)
        self._throttle = Throttle()
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the first account, if there is none; the house does not wait for it."""
        if not await self.accounts.any():
            self._starting = asyncio.create_task(self._make_first())

    async def stop(self) -> None:
        """End what runs."""
        if self._starting:
            await self._starting
        await asyncio.to_thread(self.passwords.close)

    async def look(self, credential: Credential, uses: bool) -> Known | None:
        """Who stands behind a credential: a lookup for `Door`. Raises `LookupAway`."""
        try:
            if credential.kind is Kind.TOKEN:
                return await self.tokens.look(credential.digest)
            return await self.sessions.look(credential.digest, uses=uses)
        except StoreUnavailable as error:
            raise LookupAway from error

    async def sign_in(self, login: str, password: str, new_password: str | None, address: str) -> tuple[Account, str]:
        """The account and the secret of a new session.

        Raises the 401 problem (the same, and as late, for a login that there is not), 403 when a new password has to
        be chosen, 422 when it may not be that one, 429 after too many tries.
        """
        login = login.strip().lower()
        self._throttle.begin(login, address)
        account = await self.accounts.find(login) if LOGIN.fullmatch(login) else None
        kept = None if account is None or account.disabled else account.password
        fits = len(password.encode(errors="surrogatepass")) <= BYTES_MAX and await self.passwords.fits(kept, password)
        if account is None or not fits:
            await self._note("refused", account, address)
            raise _refused()
        self._throttle.succeeded(login, address)
        if new_password is not None:
            check_new(new_password, login, password)
            await self.accounts.keep_password(account, new_password)
            if login == FIRST_LOGIN:
                (self._data / FIRST_PASSWORD).unlink(missing_ok=True)
        elif account.one_time:
            raise _choose_one()
        return account, await self.sessions.begin(account, address)

    async def _note(self, what: str, account: Account | None, address: str) -> None:
        account_id = account.account_id if account else None

        def note(connection: Connection) -> None:
            sign_ins.note(connection, self._clock(), what, account_id, address)

        # Refused it is in any case.
        with suppress(StoreUnavailable):
            await self._database.write(note)

    async def _make_first(self) -> None:
        """The first coordinator, with a password that only whoever may read the data folder can read."""
        path = (self._data / FIRST_PASSWORD).absolute()
        try:
            # The file first, and what the last start wrote: cut off between the two, nobody would know the password.
            password = await asyncio.to_thread(_password_in, path)
            await self.accounts.make(FIRST_LOGIN, "Coordination", Role.COORDINATOR, None, None, password)
        except LoginTaken:
            # Another replica was faster. The file is its own too, where both have one folder.
            taken = await self.accounts.find(FIRST_LOGIN)
            if taken is None or not await self.passwords.fits(taken.password, password):
                path.unlink(missing_ok=True)
            return
        except (StoreUnavailable, OSError) as error:
            _log.warning("the first account is made at the next start: %s", type(error).__name__)
            return
        _log.warning("first start: sign in as %s with the one-time password in %s", FIRST_LOGIN, path)


def _password_in(path: Path) -> str:
    def make() -> bytes:
        return f"{new_one_time_password()}\n".encode()

    return make_once(path, make).decode().strip()


def _refused() -> Problem:
    return Problem(401, "wrong-sign-in", "Not signed in", "Login or password is wrong. Check both, then try again.")


def _choose_one() -> Problem:
    return Problem(
        403, "new-password-required", "Choose a password", "This one was for once. Send new_password with it.",
        [{"field": "new_password", "detail": "Choose a password of your own."}],
    )  # fmt: skip
