"""Which names the house answers to; a request for any other is refused before anything else is done for it.

Another site can have a name of its own lead to this machine. A browser that is on that site's page then takes the
house for the site, and lets the page read what the house answers. Only the name gives it away.
"""

import re
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import Scope

from shared.access.policy import POLICY
from shared.settings import Settings
from shared.web.problems import Problem

_HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_KEPT_MAX = 1_000


class Hosts:
    """The names of one service.

    Always: those of the loopback and of the machine, those that the services have among themselves, and the address
    that a request came to. Besides: what `MAISON_HOSTS` lists; while it lists nothing, any address in numbers, which
    nobody's name leads to.
    """

    def __init__(self, settings: Settings) -> None:
        urls = (urlsplit(settings.address(service)).hostname or "" for service in POLICY)
        own = {*_LOOPBACK, *POLICY, socket.gethostname().lower(), settings.host.lower(), *urls}
        self._names = frozenset(own | settings.listed_hosts) - {"", "0.0.0.0", "::"}  # noqa: S104 - not listened on, told apart
        self._any_number = not settings.listed_hosts
        self._kept: set[bytes] = set()

    def check(self, scope: Scope) -> None:
        """Raise the 400 problem for a host that is not ours."""
        shown = next((value for name, value in scope["headers"] if name == b"host"), None)
        if shown in self._kept:
            return
        # Who speaks HTTP/1.0 names no host, and is no browser.
        if shown is None and scope["http_version"] == "1.0":
            return
        match = _HOST.fullmatch(shown or b"")
        if match is None or not self._is_ours((match[1] or match[2]).decode().lower(), scope):
            raise _not_here()
        if shown and len(self._kept) < _KEPT_MAX:
            self._kept.add(shown)

    def _is_ours(self, name: str, scope: Scope) -> bool:
        if name in self._names or name == (scope.get("server") or ("",))[0]:
            return True
        return self._any_number and _is_number(name)


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _not_here() -> Problem:
    detail = "This house does not answer to the name it was asked by. Whoever runs it can add the name to MAISON_HOSTS."
    return Problem(400, "unknown-host", "Not the name of this house", detail, [{"field": "Host", "detail": detail}])
