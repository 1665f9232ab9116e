"""Accounts of people: made, shut, given a new password. What is made for somebody is told once, and kept as a hash."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.intake.access import sign_ins
from services.intake.access.passwords import Passwords, new_one_time_password
from services.intake.access.tables import ACCOUNTS, SESSIONS, Account
from shared.access.principal import Principal, Role
from shared.database import Database
from shared.envelope import timestamp
from shared.ids import new_id

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
ACCOUNT_PREFIX = "account-"


class LoginTaken(Exception):
    """Somebody has this login already."""


class AccountUnknown(Exception):
    """There is no such account."""


class Made(NamedTuple):
    """An account, and the password that it has until its first sign-in."""

    account_id: str
    login: str
    password: str


class Accounts:
    """The accounts of one house."""

    def __init__(self, database: Database, passwords: Passwords, clock: Callable[[], datetime]) -> None:
        self.database, self.passwords, self.clock = database, passwords, clock

    async def make(
        self,
        login: str,
        display_name: str,
        role: Role,
        partner: str | None,
        site: str | None,
        password: str | None = None,
    ) -> Made:
        """A new account with a one-time password: this one, or a new one. Raises `LoginTaken`."""
        password = password or new_one_time_password()
        account = Account(
            account_id=ACCOUNT_PREFIX + new_id(),
            login=login,
            display_name=display_name,
            role=role.value,
            partner=partner,
            site=site,
            password=await self.passwords.hash(password),
            one_time=True,
            made_at=timestamp(self.clock()),
        )

        await self._add(account)
        return Made(account.account_id, login, password)

    async def take_in(self, login: str, display_name: str, role: Role, partner: str | None) -> None:
        """A new account of somebody whom a provider vouches for: no password fits it. Raises `LoginTaken`."""
        account = Account(
            account_id=ACCOUNT_PREFIX + new_id(),
            login=login,
            display_name=display_name,
            role=role.value,
            partner=partner,
            password="",
            one_time=False,
            made_at=timestamp(self.clock()),
        )
        await self._add(account)

    async def take_over(self, login: str, display_name: str, role: Role, partner: str | None) -> None:
        """What the provider says of somebody has changed; sessions with the role before end."""
        await self._change(login, "role-changed", display_name=display_name, role=role.value, partner=partner)

    async def renew_password(self, login: str) -> Made:
        """A new one-time password; whoever is signed in is signed out. Raises `AccountUnknown`."""
        password = new_one_time_password()
        account_id = await self._change(
            login, "password-renewed", password=await self.passwords.hash(password), one_time=True
        )
        return Made(account_id, login, password)

    async def disable(self, login: str) -> str:
        """Shut an account, and end its sessions: its id. Raises `AccountUnknown`."""
        return await self._change(login, "account-disabled", disabled=True)

    async def keep_password(self, account: Account, password: str) -> None:
        """Keep the password that somebody chose, and end the sessions that were begun with another."""
        await self._change(
            account.login, "password-chosen", password=await self.passwords.hash(password), one_time=False
        )

    async def find(self, login: str) -> Account | None:
        """The account of a login, shut ones too."""
        query = select(ACCOUNTS).where(ACCOUNTS.c.login == login)
        row = await self.database.read(lambda connection: connection.execute(query).one_or_none())
        return Account.model_validate(row._mapping) if row else None

    async def all(self) -> list[Account]:
        """Every account, by login."""
        query = select(ACCOUNTS).order_by(ACCOUNTS.c.login)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        return [Account.model_validate(row._mapping) for row in rows]

    async def any(self) -> bool:
        """Whether there is an account."""
        query = select(func.count()).select_from(ACCOUNTS)
        return bool(await self.database.read(lambda connection: connection.execute(query).scalar_one()))

    async def _add(self, account: Account) -> None:
        def add(connection: Connection) -> None:
            connection.execute(insert(ACCOUNTS).values(account.model_dump()))
            sign_ins.note(connection, self.clock(), "account-made", account.account_id)

        try:
            await self.database.write(add)
        except IntegrityError as error:
            raise LoginTaken from error

    async def _change(self, login: str, what: str, **changes: str | bool | None) -> str:
        def change(connection: Connection) -> str:
            account_id = connection.execute(select(ACCOUNTS.c.account_id).where(ACCOUNTS.c.login == login)).scalar()
            if account_id is None:
                raise AccountUnknown
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.account_id == account_id).values(**changes))
            connection.execute(delete(SESSIONS).where(SESSIONS.c.account_id == account_id))
            sign_ins.note(connection, self.clock(), what, account_id)
            return str(account_id)

        return await self.database.write(change)


def principal_of_account(account: Account) -> Principal:
    """Who an account is to the rest of the house."""
    return Principal(Role(account.role), account.partner, account.account_id, account.site, session=True)
