"""A provider of OpenID Connect: where it is, what it is asked, and what it answers. Authorisation code with PKCE."""

import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.intake.access.id_tokens import NotBelieved, claims_of, told_of
from shared.settings import Settings

ANSWER_S_MAX = 10.0
ANSWER_BYTES_MAX = 256 * 1024
KNOWN_S = 3600.0
"""How long we go by what the provider said of itself and its keys; a key that we miss is asked for sooner."""
MISSED_S = 60.0
_WELL_KNOWN = "/.well-known/openid-configuration"


class ProviderAway(Exception):
    """It does not answer, or not as a provider does."""


class Begun(NamedTuple):
    """What a sign-in must come back with. `verifier` is PKCE's: it shows that the code was asked for by us."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """The one provider that a house has its people sign in with."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.issuer = settings.oidc_issuer
        self._client: httpx.AsyncClient | None = None
        self._told: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._told_at, self._keys_at = -KNOWN_S, -KNOWN_S

    async def begin(self, redirect: str) -> tuple[str, Begun]:
        """The address to send somebody to, and what to keep until they come back. Raises `ProviderAway`."""
        begun = Begun(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        challenge = urlsafe_b64encode(sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": redirect,
            "scope": self._settings.oidc_scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"acr_values": self._settings.oidc_acr} if self._settings.oidc_acr else {}),
        }
        return _with(await self._address("authorization_endpoint"), asked), begun

    async def finish(self, code: str, begun: Begun, redirect: str) -> tuple[dict[str, Any], str]:
        """What the provider says of who came back, and its ID token. Raises `NotBelieved` or `ProviderAway`."""
        secret = self._settings.oidc_secret.get_secret_value()
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": begun.verifier,
            "client_id": self._settings.oidc_client_id,
            "client_secret": secret,
        }
        answer = await self._ask("POST", await self._address("token_endpoint"), data=asked)
        if answer.status_code != httpx.codes.OK:
            raise NotBelieved(f"the code was refused: {answer.status_code}")
        told = _object(answer)
        token, access = str(told.get("id_token", "")), str(told.get("access_token", ""))
        claims = await self._believed(token, begun.nonce)
        more = await self._more(access) if access and "userinfo_endpoint" in await self._itself() else {}
        if more and more.get("sub") != claims["sub"]:
            raise NotBelieved("the user information is about somebody else")
        self._check_strength(claims)
        return {**more, **claims}, token

    async def way_out(self, token: str, back: str) -> str | None:
        """Where somebody signs out of the provider too; None where it has no such place. Raises `ProviderAway`."""
        place = (await self._itself()).get("end_session_endpoint")
        if not isinstance(place, str):
            return None
        asked = {"id_token_hint": token, "post_logout_redirect_uri": back, "client_id": self._settings.oidc_client_id}
        return _with(place, asked)

    async def close(self) -> None:
        """Close what was opened."""
        if self._client:
            await self._client.aclose()
            self._client = None

    def _check_strength(self, claims: dict[str, Any]) -> None:
        wanted = self._settings.oidc_acr.split()
        if wanted and claims.get("acr") not in wanted:
            raise NotBelieved("they did not sign in as strongly as we asked for")

    async def _believed(self, token: str, nonce: str) -> dict[str, Any]:
        client_id = self._settings.oidc_client_id
        try:
            return claims_of(token, await self._key_set(KNOWN_S), self.issuer, client_id, nonce)
        except NotBelieved:
            # The provider may sign with a key that it did not have when we asked.
            if time.monotonic() - self._keys_at < MISSED_S:
                raise
        return claims_of(token, await self._key_set(MISSED_S), self.issuer, client_id, nonce)

    async def _more(self, access: str) -> dict[str, Any]:
        address = await self._address("userinfo_endpoint")
        answer = await self._ask("GET", address, headers={"Authorization": f"Bearer {access}"})
        if answer.status_code != httpx.codes.OK:
            raise NotBelieved(f"the user information was refused: {answer.status_code}")
        if answer.headers.get("content-type", "").startswith("application/jwt"):
            keys = await self._key_set(KNOWN_S)
            return told_of(answer.text.strip(), keys, self.issuer, self._settings.oidc_client_id)
        return _object(answer)

    async def _key_set(self, known_s: float) -> KeySet:
        if self._keys is None or time.monotonic() - self._keys_at >= known_s:
            told = _object(await self._ask("GET", await self._address("jwks_uri")))
            try:
                self._keys = KeySet.import_key_set(told)  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ProviderAway("its keys cannot be read") from error
            self._keys_at = time.monotonic()
        return self._keys

    async def _address(self, name: str) -> str:
        found = (await self._itself()).get(name)
        if not isinstance(found, str):
            raise ProviderAway(f"it names no {name}")
        return found

    async def _itself(self) -> dict[str, Any]:
        if not self._told or time.monotonic() - self._told_at >= KNOWN_S:
            told = _object(await self._ask("GET", self.issuer.rstrip("/") + _WELL_KNOWN))
            if told.get("issuer") != self.issuer:
                raise ProviderAway("it says that it is somebody else")
            self._told, self._told_at = told, time.monotonic()
        return self._told

    async def _ask(self, method: str, address: str, **more: Any) -> httpx.Response:
        if self._client is None:
            # A provider on this machine is reached without any proxy.
            self._client = httpx.AsyncClient(timeout=ANSWER_S_MAX, trust_env=address.startswith("https:"))
        try:
            answer = await self._client.request(method, address, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderAway(type(error).__name__) from error
        if answer.is_server_error or len(answer.content) > ANSWER_BYTES_MAX:
            raise ProviderAway(f"it answers {answer.status_code}")
        return answer


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError as error:
        raise ProviderAway("it answers no JSON") from error
    if not isinstance(found, dict):
        raise ProviderAway("it answers no object")
    return found


def _with(address: str, asked: dict[str, str]) -> str:
    return address + ("&" if "?" in address else "?") + urlencode(asked)
