"""How referral and stats learn who somebody is: they ask intake, with the house's key, by the digest alone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from shared.access.credentials import Credential
from shared.access.door import Known, LookupAway
from shared.access.principal import Principal, Role

ADDRESS = "/internal/access"
ANSWER_S_MAX = 3.0


class Asking:
    """A lookup for `Door` that asks intake."""

    def __init__(self, intake_url: str, house_key: Callable[[], str | None]) -> None:
        self._url, self._house_key = intake_url + ADDRESS, house_key
        self._client: httpx.AsyncClient | None = None

    async def look(self, credential: Credential, uses: bool) -> Known | None:
        """Who it is. Raises `LookupAway`."""
        if self._client is None:
            # A proxy of the environment has no business between two services of one house. Without TLS there is
            # nothing to verify, and loading what would verify it takes longer than the question.
            tls = self._url.startswith("https:")
            self._client = httpx.AsyncClient(timeout=ANSWER_S_MAX, trust_env=False, verify=tls)
        asked = {"kind": credential.kind.value, "digest": credential.digest.hex(), "uses": uses}
        try:
            answer = await self._client.post(self._url, json=asked, headers={"X-House-Key": self._house_key() or ""})
            if answer.status_code != httpx.codes.OK:
                raise LookupAway
            return read(answer.json())
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise LookupAway from error

    async def close(self) -> None:
        """Close what was opened."""
        if self._client:
            await self._client.aclose()
            self._client = None


def tell(known: Known | None) -> dict[str, Any]:
    """The answer of intake."""
    if known is None:
        return {"principal": None}
    return {"principal": known.principal._asdict(), "until": known.until.isoformat()}


def read(told: dict[str, Any]) -> Known | None:
    """What intake told. Raises `KeyError` or `ValueError` for what it would not tell."""
    if told["principal"] is None:
        return None
    found = told["principal"]
    principal = Principal(
        Role(found["role"]), found["partner"], found["account_id"], found["site"], bool(found["session"])
    )
    return Known(principal, datetime.fromisoformat(told["until"]))
