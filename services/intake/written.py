"""Free text of people, names and notes: one spelling for what looks alike, and nothing that is not there to be read.

What steers a terminal, has no width or turns the direction of what follows can make a name look like another's. The
joiners (U+200C, U+200D) stay: they belong to the spelling of Persian, Hindi and others.
"""

import unicodedata

from pydantic import AfterValidator, Field

_STEERING = r"\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F"
_BREAKS = r"\u0009\u000A\u000D"
_UNSEEN = r"\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uE000-\uF8FF\uFEFF\uFFF9-\uFFFB"


def _of(unreadable: str) -> str:
    """A text with a letter in it, and none of these."""
    return rf"^[^{unreadable}]*[^\s{unreadable}][^{unreadable}]*$"


def _one_spelling(text: str) -> str:
    """Keyboards write an accented letter as one character or as two."""
    return unicodedata.normalize("NFC", text)


ONE_LINE = (Field(pattern=_of(_STEERING + _BREAKS + _UNSEEN)), AfterValidator(_one_spelling))
"""What a name must be; unpacked into an `Annotated`."""
LINES = (Field(pattern=_of(_STEERING + _UNSEEN)), AfterValidator(_one_spelling))
"""What a note, an address or a reason must be: it may have lines."""
