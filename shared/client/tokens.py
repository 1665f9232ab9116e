"""A machine's token is shown to one address alone, where it is swapped for one of minutes, which all others are shown.

So what lies on the machine for months goes over the line a few times an hour, and into no log but that one's.
"""

import time
from collections.abc import Callable, Generator

import httpx

SWAP = "/session/token"
RENEWED_BEFORE_S = 60.0
"""A request that takes its time must not come too late with it."""
_USED_AS_IT_IS = frozenset({404, 405, 409})
"""The house swaps none yet, or this one is for use already."""


class NotSwapped(Exception):
    """There is no short token now: `answer` says why."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"HTTP {answer.status_code}")
        self.answer = answer


class SwappedToken(httpx.Auth):
    """Lets a client of httpx in: swaps the token by itself, before the first request and whenever it has to.

    `url` = intake's; the requests may go to any service of the house. Raises `NotSwapped` from a request.
    """

    requires_response_body = True

    def __init__(self, url: str, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._token, self._clock = url.rstrip("/") + SWAP, token, clock
        self._short, self._until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Show a token that is good; one that turns out not to be is swapped anew, once."""
        fresh = self._clock() >= self._until
        if fresh:
            self._take((yield self._asking(request)))
        answer = yield self._shown(request)
        # A machine that slept did not see time pass; a house that was restored has forgotten what it gave.
        if answer.status_code == httpx.codes.UNAUTHORIZED and not fresh:
            self._take((yield self._asking(request)))
            yield self._shown(request)

    def _asking(self, request: httpx.Request) -> httpx.Request:
        headers = {"Authorization": f"Bearer {self._token}"}
        # It is waited for no longer than the request that it is for.
        return httpx.Request("POST", self._url, headers=headers, extensions=dict(request.extensions))

    def _take(self, answer: httpx.Response) -> None:
        if answer.status_code in _USED_AS_IT_IS:
            self._short, self._until = self._token, float("inf")
        elif answer.status_code == httpx.codes.CREATED:
            told = answer.json()
            self._short = str(told["token"])
            self._until = self._clock() + max(0.0, float(told["expires_in_s"]) - RENEWED_BEFORE_S)
        else:
            raise NotSwapped(answer)

    def _shown(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._short}"
        return request
