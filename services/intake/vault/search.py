"""Looking for somebody by name in an index of keyed hashes, which tells nothing without its key."""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from services.intake.vault.names import joined, sound, words
from services.intake.vault.tables import NAMES, PEOPLE

TOKEN_BYTES = 16
CANDIDATES_MAX = 200
"""People with a word or a sound of the name, that are looked at more closely."""


class Match(NamedTuple):
    """Somebody whose name fits. `exact` = in every word that was asked for, not in sound alone."""

    person_id: str
    exact: bool


class _Word(NamedTuple):
    spelt: bytes
    sounded: bytes | None


class NameIndex:
    """Makes tokens of names: HMAC-SHA256, cut to 16 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def tokens(self, *names: str) -> set[bytes]:
        """What a person is found by: each word, neighbours written as one, and how they sound."""
        found: set[bytes] = set()
        for name in names:
            parts = words(name)
            for word in (*parts, *joined(parts)):
                found.update(token for token in self._word(word) if token)
        return found

    def find(self, connection: Connection, name: str) -> list[Match]:
        """People with every word of the name, spelt or sounding alike; those that are spelt alike first."""
        parts = words(name)
        asked = [self._word(word) for word in parts]
        pairs = [self._word(pair) for pair in joined(parts)]
        held = _held(connection, {token for word in (*asked, *pairs) for token in word if token})
        matches = [
            Match(person, exact)
            for person, tokens in held.items()
            if (exact := _fits(tokens, asked, pairs, sounds=False)) or _fits(tokens, asked, pairs, sounds=True)
        ]
        return sorted(matches, key=lambda match: (not match.exact, match.person_id))[:CANDIDATES_MAX]

    def _word(self, word: str) -> _Word:
        sounded = sound(word)
        return _Word(self._token("word", word), self._token("sound", sounded) if sounded else None)

    def _token(self, kind: str, word: str) -> bytes:
        return hmac.digest(self._key, f"{kind}:{word}".encode(), "sha256")[:TOKEN_BYTES]


def _held(connection: Connection, tokens: Iterable[bytes]) -> dict[str, set[bytes]]:
    wanted = list(tokens)
    query = (
        select(NAMES.c.person_id, NAMES.c.token)
        .join(PEOPLE, PEOPLE.c.person_id == NAMES.c.person_id)
        .where(NAMES.c.token.in_(wanted), PEOPLE.c.attached)
    )
    held: dict[str, set[bytes]] = defaultdict(set)
    for person, token in connection.execute(query) if wanted else ():
        held[person].add(bytes(token))
    return held


def _fits(tokens: set[bytes], asked: Sequence[_Word], pairs: Sequence[_Word], *, sounds: bool) -> bool:
    def has(word: _Word) -> bool:
        return word.spelt in tokens or (sounds and word.sounded in tokens)

    # `jean pierre` was perhaps written as one: a pair stands for both its words.
    beside = [{place, place + 1} for place, pair in enumerate(pairs) if has(pair)]
    return all(has(word) or any(place in pair for pair in beside) for place, word in enumerate(asked))
