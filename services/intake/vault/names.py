"""Names as they are looked for: without accents, case and hyphens, and by how they sound."""

import re
import unicodedata
from itertools import pairwise

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"})
_WORD = re.compile(r"[^\W_]+")
WORDS_MAX = 12
"""More words than this no name has: they are not looked at."""

# In this order. A vowel sounds at the beginning only, as `a`; `h` never.
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^ou(?=[aeiouy])", "v"),
        (r"ph", "f"),
        (r"sch|sh|ch|tch", "x"),
        (r"dj|g(?=[eiy])|j", "j"),
        (r"c(?=[eiy])", "s"),
        (r"qu|q|ck|c|k|gu(?=[eiy])", "k"),
        (r"w", "v"),
        (r"z|x(?=.)", "s"),
        (r"[sx]+e?$", ""),
        (r"de?$", "t"),
        (r"(.)\1+", r"\1"),
        (r"h", ""),
        (r"^[aeiouy]+", "A"),
        (r"[aeiouy]", ""),
    )
)
SOUND_LETTERS_MIN = 2
"""A shorter sound says too little: half the house would answer to it."""


def words(name: str) -> tuple[str, ...]:
    """The words of a name in plain small letters: `Jean-François` -> `jean`, `francois`. Other scripts keep theirs."""
    plain = _plain(_plain(name).translate(_LETTERS))
    return tuple(_WORD.findall(plain)[:WORDS_MAX])


def sound(word: str) -> str | None:
    """What is left of a word when spelling is taken away: `dupont` and `dupond` -> `dpnt`. None = too little."""
    if not word.isascii() or not word.isalpha():
        return None
    for pattern, replacement in _SOUNDS:
        word = pattern.sub(replacement, word)
    return word if len(word) >= SOUND_LETTERS_MIN else None


def joined(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Neighbours written as one: `jean`, `pierre` -> `jeanpierre`."""
    return tuple(first + second for first, second in pairwise(parts))


def _plain(text: str) -> str:
    # Twice: taking a letter apart may bring forth capitals, and small letters may come apart again.
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in text if not unicodedata.combining(letter))
