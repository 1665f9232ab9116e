"""How referral and stats learn who somebody is: they ask intake, with the house's key, by the digest alone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import httpx

from shared.access.credentials import Credential
from shared.access.door import Known, LookupAway
from shared.access.principal import Principal, Role

ADDRESS = "/internal/access"
END_ADDRESS = "/internal/access/end"
ANSWER_S_MAX = 3.0


class WayOut(NamedTuple):
    """Where somebody signs out of the provider, and what it is called."""

    address: str
    provider: str


class Asking:
    """A lookup for `Door` that asks intake."""

    def __init__(self, intake_url: str, house_key: Callable[[], str | None]) -> None:
        self._url, self._house_key = intake_url, house_key
        self._client: httpx.AsyncClient | None = None

    async def look(self, credential: Credential, uses: bool) -> Known | None:
        """Who it is. Raises `LookupAway`."""
        asked = {"kind": credential.kind.value, "digest": credential.digest.hex(), "uses": uses}
        try:
            return read(await self._ask(ADDRESS, asked))
        except (ValueError, KeyError) as error:
            raise LookupAway from error

    async def end(self, digest: bytes | None, token: str | None, back: str) -> WayOut | None:
        """End a session at its source, if there is one; where its person goes on to sign out of the provider.

        `token`: the provider's, as the browser kept it; `back`: where the provider leads afterwards. Raises
        `LookupAway`.
        """
        asked = {"digest": digest.hex() if digest else None, "token": token, "back": back}
        found = (await self._ask(END_ADDRESS, asked)).get("way_out")
        return WayOut(str(found["address"]), str(found["provider"])) if found else None

    async def _ask(self, address: str, asked: dict[str, Any]) -> dict[str, Any]:
        if self._client is None:
            # A proxy of the environment has no business between two services of one house. Without TLS there is
            # nothing to verify, and loading what would verify it takes longer than the question.
            tls = self._url.startswith("https:")
            self._client = httpx.AsyncClient(timeout=ANSWER_S_MAX, trust_env=False, verify=tls)
        key = {"X-House-Key": self._house_key() or ""}
        try:
            answer = await self._client.post(self._url + address, json=asked, headers=key)
            if answer.status_code != httpx.codes.OK:
                raise LookupAway
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise LookupAway from error
        return told

    async def close(self) -> None:
        """Close what was opened."""
        if self._client:
            await self._client.aclose()
            self._client = None


def tell(known: Known | None) -> dict[str, Any]:
    """The answer of intake."""
    if known is None:
        return {"principal": None}
    return {"principal": known.principal._asdict(), "until": known.until.isoformat(), "shown_as": known.shown_as}


def read(told: dict[str, Any]) -> Known | None:
    """What intake told. Raises `KeyError` or `ValueError` for what it would not tell."""
    if told["principal"] is None:
        return None
    found = told["principal"]
    principal = Principal(
        Role(found["role"]),
        found["partner"],
        found["account_id"],
        found["site"],
        bool(found["session"]),
        bool(found.get("to_swap", False)),
    )
    return Known(principal, datetime.fromisoformat(told["until"]), str(told.get("shown_as", "")))
