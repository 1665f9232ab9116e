"""What an auditor says when something is wrong."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`fault` is the kind, by name; `what` says which visit, request, position or figure."""

    fault: str
    what: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.what}"
