"""The cookies of a session: no script reads them, no other site sends them along, they end with the browser."""

from starlette.responses import Response

from shared.access.credentials import cookie_name

PROVIDER_COOKIE = "maison_provider"
"""What a provider of OpenID Connect is shown when whoever signed in there signs out: to no other page."""
PROVIDER_BYTES_MAX = 3_000
"""An ID token that is longer is not kept: then the provider is not asked to sign its person out."""
_SIGN_OUT = "/sign-out"


class Cookies:
    """Gives browsers their session, and takes it away."""

    def __init__(self, *, https: bool) -> None:
        self._name, self._https = cookie_name(https=https), https

    def give(self, answer: Response, secret: str) -> None:
        """Give a browser its session."""
        answer.set_cookie(self._name, secret, path="/", httponly=True, samesite="strict", secure=self._https)

    def keep(self, answer: Response, token: str) -> None:
        """Have the browser keep a provider's ID token until it signs out, at whichever service."""
        if len(token) <= PROVIDER_BYTES_MAX:
            answer.set_cookie(
                PROVIDER_COOKIE, token, path=_SIGN_OUT, httponly=True, samesite="strict", secure=self._https
            )

    def take(self, answer: Response) -> None:
        """Take all of it away again, with what the browser keeps of our pages."""
        for name, path in ((self._name, "/"), (PROVIDER_COOKIE, _SIGN_OUT)):
            answer.delete_cookie(name, path=path, httponly=True, samesite="strict", secure=self._https)
        answer.headers["Clear-Site-Data"] = '"cache"'
