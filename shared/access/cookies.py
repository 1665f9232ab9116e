"""The cookie of a session: no script reads it, no other site sends it along, it ends with the browser."""

from starlette.responses import Response

from shared.access.credentials import cookie_name


class Cookies:
    """Gives browsers their session, and takes it away."""

    def __init__(self, *, https: bool) -> None:
        self._name, self._https = cookie_name(https=https), https

    def give(self, answer: Response, secret: str) -> None:
        """Give a browser its session."""
        answer.set_cookie(self._name, secret, path="/", httponly=True, samesite="strict", secure=self._https)

    def take(self, answer: Response) -> None:
        """Take it away again, with what the browser keeps of our pages."""
        answer.delete_cookie(self._name, path="/", httponly=True, samesite="strict", secure=self._https)
        answer.headers["Clear-Site-Data"] = '"cache"'
