"""Which rule holds for a request: found with the application's own patterns, in the application's own order.

A router of our own beside the framework's would one day read an address otherwise than it does.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from shared.access.policy import Route, Rule

_PARAMETER = "{"


class Found(NamedTuple):
    """A route with its rule, None where the table does not name it, and the parameters of its address."""

    template: str
    rule: Rule | None
    parameters: Mapping[str, str]


class _Pattern(NamedTuple):
    regex: re.Pattern[str]
    methods: frozenset[str]
    template: str


class Routes:
    """The rules of one application's routes."""

    def __init__(self, app: FastAPI, policy: Mapping[Route, Rule]) -> None:
        self._app, self._policy = app, policy
        self._patterns: dict[str, list[_Pattern]] | None = None
        self._plain: dict[Route, Found] = {}

    def find(self, method: str, path: str) -> Found | None:
        """The route of a request; None where there is none: then there is nothing to guard."""
        # A route is added while the application is built, never later: what is found once stays so.
        return self._plain.get((method, path)) or self._search(method, path)

    def _search(self, method: str, path: str) -> Found | None:
        if self._patterns is None:
            self._patterns = self._read()
        for pattern in self._patterns.get(_first(path), ()):
            match = pattern.regex.match(path)
            if match and method in pattern.methods:
                rule = self._policy.get(("GET" if method == "HEAD" else method, pattern.template))
                found = Found(pattern.template, rule, match.groupdict())
                if _PARAMETER not in pattern.template:
                    self._plain[method, path] = found
                return found
        return None

    def _read(self) -> dict[str, list[_Pattern]]:
        patterns: dict[str, list[_Pattern]] = {}
        for template, methods, regex in every_route(self._app):
            first = _first(template)
            assert _PARAMETER not in first, f"{template}: an address begins with a word"
            patterns.setdefault(first, []).append(_Pattern(regex, methods, template))
        return patterns


def every_route(app: FastAPI) -> Iterator[tuple[str, frozenset[str], re.Pattern[str]]]:
    """(template, methods, pattern) of every route of an application, in the order in which it tries them."""
    for route in iter_route_contexts(app.routes):
        template = route.path
        # A mounted application would be reached past every rule; a websocket is not served.
        assert template is not None, f"{route.original_route} has no address: the policy cannot name it"
        assert route.methods, f"{template} has no methods: the policy cannot name it"
        yield template, frozenset(route.methods), route.path_regex


def _first(path: str) -> str:
    """The word that an address begins with."""
    return path[1:].partition("/")[0]
