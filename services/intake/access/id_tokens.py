"""What a provider says of somebody, believed only when it is signed by its own key, for us, now, and for this sign-in.

No algorithm is taken from the token itself: a list of ours stands, and a shared secret is on none of it. A key that a
token brings along is not looked at.
"""

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS = ("RS256", "PS256", "ES256")
LEEWAY_S = 60


class NotBelieved(Exception):
    """The token is not what it should be. What is wrong with it is for our log, not for whoever sent it."""


def claims_of(token: str, keys: KeySet, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """What an ID token says. Raises `NotBelieved`."""
    claims = _signed(token, keys)
    wanted = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        wanted.validate(claims)
    except JoseError as error:
        raise NotBelieved(f"{type(error).__name__}: {error}") from error
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client_id:
        raise NotBelieved("it is for several clients, and not made for us")
    return claims


def told_of(token: str, keys: KeySet, issuer: str, client_id: str) -> dict[str, Any]:
    """What a signed answer of the provider's user information says. Raises `NotBelieved`."""
    claims = _signed(token, keys)
    try:
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
        ).validate(claims)
    except JoseError as error:
        raise NotBelieved(f"{type(error).__name__}: {error}") from error
    return claims


def claim_at(claims: Mapping[str, Any], path: str) -> list[str]:
    """The values of a claim, by its name or by names with dots in between (`realm_access.roles`), as texts."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return [value for value in values if isinstance(value, str)]


def _signed(token: str, keys: KeySet) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotBelieved(f"{type(error).__name__}: {error}") from error
