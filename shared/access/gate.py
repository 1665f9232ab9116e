"""Where every request is held to the policy table, before anything else of the house sees it.

Plain ASGI around the whole application, the short road included. Where nobody has to say who it is, and nobody
does, a request costs one look through its headers and one in a dictionary.
"""

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.access.acting import ACTING
from shared.access.credentials import NOTHING, Credential, Kind, Shown, cookie_name, shown_in
from shared.access.door import Door
from shared.access.hosts import Hosts
from shared.access.origin import check_origin
from shared.access.policy import HOUSE_KEY, POLICY, SWAP, Own, Rule
from shared.access.principal import KEY, SHOWN_AS, Principal, Role, principal_in
from shared.access.rates import KNOWN, UNKNOWN, Rates
from shared.access.refusing import Refusing
from shared.access.routes import Found, Routes
from shared.access.streams import LiveStreams
from shared.settings import Settings
from shared.telemetry.metrics import Telemetry
from shared.web.edge import UNMATCHED
from shared.web.problems import Problem, not_found

CREDENTIAL = "credential"
"""Where the gate leaves what was shown, in a request's state: by its digest."""
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Lets a request through to the application, with its principal in the request's state, or refuses it."""

    def __init__(
        self,
        served: ASGIApp,
        app: FastAPI,
        service: str,
        settings: Settings,
        door: Door,
        telemetry: Telemetry,
        *,
        live_to_city: bool = False,
    ) -> None:
        self._served, self._door, self._telemetry = served, door, telemetry
        self._routes = Routes(app, POLICY[service])
        self._https, self._hosts = settings.https, Hosts(settings)
        self._refusing = Refusing(app, service, settings)
        self._required = settings.access == "required"
        # On one machine a token goes nowhere: it is swapped where it would travel.
        self._swaps = self._required and settings.https
        self._cookie = cookie_name(https=settings.https).encode()
        self._streams, self._rates = LiveStreams(door), Rates()
        self._live_to_city = live_to_city

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] != "http":
            await self._served(scope, receive, send)
            return
        if self._https:
            send = _by_https_only(send)
        ACTING.set(None)
        found = self._routes.find(scope["method"], scope["path"])
        with self._telemetry.request(scope, found.template if found else UNMATCHED):
            await self._answer(found, scope, receive, send)

    async def _answer(self, found: Found | None, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            shown = shown_in(scope["headers"], self._cookie)
            if found is None or found.rule is not HOUSE_KEY:
                # Whoever has the house's key has not been led here by a name.
                self._hosts.check(scope)
            if found is not None and (shown is not NOTHING or self._required or _is_guarded(found.rule)):
                credential = await self._admit(scope, found, shown)
            else:
                credential = None
        except Exception as refusal:
            answer = await self._refusing.answer(scope, receive, refusal)
            self._telemetry.answered(scope["method"], found.template if found else UNMATCHED, answer.status_code)
            await answer(scope, receive, send)
            return
        if credential and found and found.template.endswith("/stream"):
            await self._streams.serve(self._served, credential, scope, receive, send)
        else:
            await self._served(scope, receive, send)

    async def _admit(self, scope: Scope, found: Found, shown: Shown) -> Credential | None:
        """Put the principal where the application finds it. Raises the problem of a refusal."""
        rule = found.rule
        if rule is None:
            raise _unnamed()
        if self._required and rule is not HOUSE_KEY:
            self._count(scope, shown.credential)
        if scope["method"] not in _READS and not rule.from_anywhere:
            check_origin(shown)
        if shown.is_bad:
            raise _unknown_token()
        principal = await self._door.who(shown.credential) if shown.credential else principal_in(scope)
        if shown.credential and principal is None and shown.credential.kind is Kind.TOKEN:
            raise _unknown_token()
        if principal is None:
            if rule.roles is not None and (self._required or rule.personal):
                raise not_found(rule.unseen) if rule.unseen else _who_are_you()
            return None
        state = scope.setdefault("state", {})
        state[KEY], state[CREDENTIAL] = principal, shown.credential
        if principal.session and shown.credential:
            state[SHOWN_AS] = self._door.shown_as(shown.credential.digest)
        if rule.roles is not None:
            self._check(principal, rule, found)
        ACTING.set(principal)
        return shown.credential

    def _count(self, scope: Scope, credential: Credential | None) -> None:
        if credential:
            self._rates.take(credential.digest, KNOWN)
        else:
            self._rates.take(str((scope.get("client") or ("",))[0]).encode(), UNKNOWN)

    def _check(self, principal: Principal, rule: Rule, found: Found) -> None:
        if principal.to_swap and self._swaps and rule is not SWAP:
            raise _swap_first()
        if not rule.lets_in(principal.role, live_to_city=self._live_to_city):
            raise not_found(rule.unseen) if rule.unseen else _not_allowed()
        # The address of a queue says whose it is. Of all else, the store tells what lies in the reader's scope.
        is_narrowed = rule.own is Own.QUEUE and principal.role is Role.PARTNER
        if is_narrowed and found.parameters["partner"] != principal.partner:
            raise not_found(Own.QUEUE.value)


def _by_https_only(send: Send) -> Send:
    """Tell browsers to come by https from now on."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], HSTS]}
        await send(message)

    return sending


def _is_guarded(rule: Rule | None) -> bool:
    return rule is None or rule.personal


def _unnamed() -> Problem:
    detail = "No rule says who may do this, so nobody may: it has to be named in shared/access/policy.py."
    return Problem(403, "no-rule", "Nobody may do this", detail)


def _not_allowed() -> Problem:
    return Problem(403, "not-allowed", "Not for this role", "Your role may not do this. Ask a coordinator.")


def _swap_first() -> Problem:
    detail = "A desk's own token is good for POST /session/token of intake alone: use what that answers, and renew it."
    return Problem(403, "token-to-swap", "Swap this token first", detail)


def _unknown_token() -> Problem:
    return Problem(
        401, "unknown-token", "No such token", "Send a token that is still good, as Authorization: Bearer mai_...",
        headers={"WWW-Authenticate": 'Bearer realm="maison", error="invalid_token"'},
    )  # fmt: skip


def _who_are_you() -> Problem:
    return Problem(
        401, "sign-in-required", "Sign in first", "Sign in, or send a token as Authorization: Bearer mai_...",
        headers={"WWW-Authenticate": 'Bearer realm="maison"'},
    )  # fmt: skip
