"""On which line of a TOML text each of its values stands.

`tomllib` says what a text means and whether it is sound; it forgets where it read it. This second, shallow
reading of a text already known to be sound only notes places.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
      (?P<skip>   [ \t]+ | \#[^\n]* )
    | (?P<line>   \n )
    | (?P<text>   \"{3} (?:\\.|[^\\])*? \"{3,5} | '{3} .*? '{3,5} | " (?:\\.|[^"\\])* " | ' [^']* ' )
    | (?P<mark>   \[\[ | [\[\]{},=.] )
    | (?P<bare>   [^ \t\n\#"'\[\]{},=.]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Path of keys and indexes, as in the parsed document -> line, counted from 1."""

    known: Mapping[Path, int]

    def of(self, path: Path) -> int:
        """The line of a value; of what it should stand in, where it is missing."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.known:
                return self.known[path[:length]]
        return 1


def lines_of(text: str) -> Lines:
    """Lines of each table, key and element. The text must be TOML that `tomllib` accepts."""
    return Lines(_Reading(_tokens(text.replace("\r\n", "\n"))).document())


def _tokens(text: str) -> list[_Token]:
    found, line = [], 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "skip":
            found.append(_Token(kind, match.group(), line))
        line += match.group().count("\n")
    found.append(_Token("end", "", line))
    return found


@dataclass(slots=True)
class _Reading:
    tokens: list[_Token]
    at: int = 0
    known: dict[Path, int] = field(default_factory=dict)
    lengths: dict[Path, int] = field(default_factory=dict)

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self._after_lines().kind != "end":
            table = self._header() if self._next().text in ("[", "[[") else self._pair(table)
        return self.known

    def _next(self) -> _Token:
        return self.tokens[self.at]

    def _take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def _after_lines(self) -> _Token:
        while self._next().kind == "line":
            self.at += 1
        return self._next()

    def _header(self) -> Path:
        opening = self._take()
        path: Path = ()
        names = self._names()
        for depth, name in enumerate(names, start=1):
            path = (*path, name)
            self.known.setdefault(path, opening.line)
            if opening.text == "[[" and depth == len(names):
                self.lengths[path] = self.lengths.get(path, 0) + 1
            # A header that passes through an array of tables speaks of the last one opened.
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
        self.known[path] = opening.line
        while self._next().text == "]":
            self.at += 1
        return path

    def _pair(self, table: Path) -> Path:
        line = self._next().line
        path = table
        for name in self._names():
            path = (*path, name)
            self.known.setdefault(path, line)
        self.at += 1
        self._value(path)
        return table

    def _names(self) -> list[str]:
        names = [_name(self._take())]
        while self._next().text == ".":
            self.at += 1
            names.append(_name(self._take()))
        return names

    def _value(self, path: Path) -> None:
        match self._next().text:
            case "[":
                self.at += 1
                self._elements(path, 0)
            case "[[":
                # Two arrays open at once: the second is the first one's first element.
                self.at += 1
                first = (*path, 0)
                self.known[first] = self.tokens[self.at - 1].line
                self._elements(first, 0)
                self._elements(path, 1)
            case "{":
                self.at += 1
                self._members(path)
            case _:
                while self._next().kind in ("bare", "text") or self._next().text == ".":
                    self.at += 1

    def _elements(self, path: Path, index: int) -> None:
        while self._after_lines().text != "]":
            if self._next().text == ",":
                self.at += 1
                continue
            self.known[(*path, index)] = self._next().line
            self._value((*path, index))
            index += 1
        self.at += 1

    def _members(self, path: Path) -> None:
        while self._after_lines().text != "}":
            if self._next().text == ",":
                self.at += 1
            else:
                self._pair(path)
        self.at += 1


def _name(token: _Token) -> str:
    if token.kind == "text":
        return str(tomllib.loads(f"name = {token.text}")["name"])
    return token.text
