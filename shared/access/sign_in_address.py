"""Where a browser is sent to sign in, or to another service: to a page of this house, and nowhere else."""

import re
from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.types import Scope

from shared.settings import Settings

_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
"""A path of ours: never `//elsewhere`, which a browser takes for another host, nor anything it would mend to that."""
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_SERVICES = ("intake", "referral", "stats")


def sign_in_address(settings: Settings, scope: Scope, service: str) -> str:
    """The page to sign in, as seen from a page of this service that was asked for."""
    asked = asked_for(scope)
    wanted = {"service": service, "next": asked if _PATH.fullmatch(asked) else "/"}
    return f"{sign_in_page(settings, scope, service)}?{urlencode(wanted)}"


def sign_in_page(settings: Settings, scope: Scope, service: str) -> str:
    """The page to sign in, with nowhere to go afterwards."""
    return _origin(settings, HTTPConnection(scope), "intake", service) + "/sign-in"


def sign_in_from_outside(settings: Settings, scope: Scope, service: str) -> str:
    """The page to sign in, whole, as another site leads back to it: by the name that this browser came by."""
    page = sign_in_page(settings, scope, service)
    scheme, host = "https" if settings.https else "http", HTTPConnection(scope).headers.get("host", "")
    return page if page.startswith("http:") else f"{scheme}://{host}{page}"


def asked_for(scope: Scope) -> str:
    """The path and query of a request."""
    query = scope["query_string"].decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def target(settings: Settings, request: HTTPConnection, service: str, path: str, here: str = "intake") -> str:
    """Where to go from a page of `here`: this path of this service; the first page for what is no address of ours."""
    known = service if service in _SERVICES else "intake"
    return _origin(settings, request, known, here) + (path if _PATH.fullmatch(path) else "/")


def _origin(settings: Settings, request: HTTPConnection, service: str, here: str) -> str:
    """The beginning of a service's addresses; empty for the service that is asked already.

    Behind a proxy all services have one address: then a path alone leads there.
    """
    if service == here or settings.https:
        return ""
    match = _HOST.match(request.headers.get("host", ""))
    return f"http://{match[0] if match else settings.host}:{settings.port(service)}"
