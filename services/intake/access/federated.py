"""Accounts of people whom a provider vouches for: found by issuer and subject, their role read from a claim each time.

Nobody gets in without a role: that the provider knows somebody says nothing of what they may do here.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, NamedTuple

from services.intake.access.accounts import Accounts, LoginTaken
from services.intake.access.id_tokens import claim_at
from services.intake.access.tables import Account
from shared.access.principal import Role

PREFIX = "oidc."
NAME_LETTERS_MAX = 80
_PAIR = re.compile(r"\s*(?P<value>[^=,]+?)\s*=\s*(?P<role>[a-z_]+)(?::(?P<partner>[a-z0-9_-]{1,64}))?\s*")


class NoRole(Exception):
    """The provider vouches for somebody whom nobody has given a role here, or whose account is shut."""


class Granted(NamedTuple):
    """What a value of the claim grants."""

    role: Role
    partner: str | None


def read_roles(text: str) -> dict[str, Granted]:
    """`accueil=front_desk,caf=partner:p01`: value of the claim -> role. Raises `ValueError`."""
    found: dict[str, Granted] = {}
    for pair in filter(str.strip, text.split(",")):
        match = _PAIR.fullmatch(pair)
        if match is None:
            raise ValueError(f"{pair.strip()!r} is not VALUE=ROLE or VALUE=partner:CODE")
        role = Role(match["role"])
        if (role is Role.PARTNER) != (match["partner"] is not None):
            raise ValueError(f"{pair.strip()!r}: a partner's code goes with the role partner, and with no other")
        found[match["value"]] = Granted(role, match["partner"])
    return found


def granted(roles: Mapping[str, Granted], values: list[str]) -> Granted:
    """The first of the roles that somebody has a value for. Raises `NoRole`."""
    found = next((grant for value, grant in roles.items() if value in values), None)
    if found is None:
        raise NoRole
    return found


class Federated:
    """The accounts that a provider vouches for."""

    def __init__(self, accounts: Accounts, roles: Mapping[str, Granted], role_claim: str, name_claim: str) -> None:
        self._accounts, self._roles = accounts, roles
        self._role_claim, self._name_claim = role_claim, name_claim

    async def account_of(self, claims: Mapping[str, Any]) -> Account:
        """The account of whom these claims are about, made at the first sign-in. Raises `NoRole`."""
        grant = granted(self._roles, claim_at(claims, self._role_claim))
        login = login_of(claims)
        name = " ".join(claim_at(claims, self._name_claim))[:NAME_LETTERS_MAX] or login
        account = await self._accounts.find(login)
        if account is None:
            # Another press, or another replica, may be faster.
            with suppress(LoginTaken):
                await self._accounts.take_in(login, name, grant.role, grant.partner)
        elif account.disabled:
            raise NoRole
        elif (account.role, account.partner, account.display_name) != (grant.role.value, grant.partner, name):
            await self._accounts.take_over(login, name, grant.role, grant.partner)
        found = await self._accounts.find(login)
        assert found is not None, "it was there or has just been made"
        return found


def login_of(claims: Mapping[str, Any]) -> str:
    """The login of an account that has no password: nobody can choose another's issuer or subject.

    A provider of providers says whom it asked (`idp_id`): subjects of two of them may be alike.
    """
    parts = [str(claims[name]) if name in claims else "" for name in ("iss", "idp_id", "sub")]
    return PREFIX + sha256("\n".join(parts).encode()).hexdigest()[:32]
