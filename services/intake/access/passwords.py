"""Passwords: argon2id, on threads of their own, few at a time; and what a password must be."""

import asyncio
import secrets
import string
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shared.web.problems import Problem, invalid

Result = TypeVar("Result")

LENGTH_MIN = 12
BYTES_MAX = 128
AT_ONCE = 2
WAITING_MAX = 20
"""More sign-ins at one moment than this are no morning rush: each takes 19 MiB and a core for a while."""
_LETTERS = string.ascii_lowercase.translate(str.maketrans("", "", "ilo")) + "23456789"


class Passwords:
    """Hashes and compares. Of an account that there is not, it compares with a hash that fits nothing."""

    def __init__(self) -> None:
        # OWASP's first choice for argon2id: dear enough for who guesses, cheap enough for two cores at 9 o'clock.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._fits_nothing: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        return await self._work(self._hasher.hash, _one_spelling(password))

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one that is kept. `kept` None takes as long, and is never so."""
        if kept is None and self._fits_nothing is None:
            self._fits_nothing = await self.hash(secrets.token_urlsafe(32))
        fits = await self._work(self._compare, kept or self._fits_nothing or "", _one_spelling(password))
        return fits and kept is not None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _compare(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _work(self, work: Callable[..., Result], *arguments: str) -> Result:
        if self._waiting >= WAITING_MAX:
            raise Problem(
                503, "busy", "Too many sign in at this moment", "Try again in a moment.", headers={"Retry-After": "5"}
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1


def new_one_time_password() -> str:
    """Twenty letters and digits in fives, none of them mistaken for another: read aloud, typed once."""
    letters = [secrets.choice(_LETTERS) for _ in range(20)]
    return "-".join("".join(letters[start : start + 5]) for start in range(0, 20, 5))


def _one_spelling(password: str) -> str:
    """Keyboards write an accented letter as one character or as two."""
    return unicodedata.normalize("NFC", password)


def check_new(password: str, login: str, before: str) -> None:
    """Raise the 422 problem for a password that is too short, too long, the login or the one before."""
    fault = None
    if len(password) < LENGTH_MIN:
        fault = f"Choose at least {LENGTH_MIN} characters: a sentence is easy to keep in mind."
    elif len(password.encode(errors="surrogatepass")) > BYTES_MAX:
        fault = f"Choose at most {BYTES_MAX} bytes."
    elif login.lower() in password.lower() or password == before or len(set(password)) < LENGTH_MIN // 3:
        fault = "Choose one without the login in it, other than the last, and not one letter again and again."
    elif password != password.strip():
        # A form leaves spaces at its ends away.
        fault = "Choose one that does not begin or end with a space."
    if fault:
        raise invalid([{"field": "new_password", "detail": fault}])
