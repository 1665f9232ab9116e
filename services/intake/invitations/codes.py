"""The code on an invitation: short enough to be read aloud, and nothing that leads back to the visit.

It is computed from the visit, so that the same visit always gives the same one: the first 45 bits of SHA-256, in
Crockford's 32 letters, which leave out what is easily misread. Of a hundred thousand invitations hardly two are alike;
should they be, the later visit is refused, and has another code when it is sent again.
"""

from hashlib import sha256

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = 9
PATTERN = rf"^[{ALPHABET}]{{{LETTERS}}}$"
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def code_of(visit_id: str) -> str:
    """The code of the invitation that a visit gives."""
    number = int.from_bytes(sha256(f"invitation/{visit_id}".encode()).digest()[:6], "big") >> 3
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(LETTERS)))


def spoken(code: str) -> str:
    """As it is printed: `4K7-9QX-0DM`."""
    return "-".join(code[start : start + 3] for start in range(0, LETTERS, 3))


def as_typed(text: str) -> str:
    """What somebody typed, as the code that was meant: small letters, dashes, spaces and an O for a nought."""
    return text.upper().translate(_MISREAD)
