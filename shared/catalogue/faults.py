"""What can be wrong with a house file, told by line, and how a code that it does not hold is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to mend. `line` counts from 1; 0 means the file as a whole (it could not be read at all)."""

    line: int
    where: str
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.where}: {self.what}" if self.line else f"{self.where}: {self.what}"


class CatalogueError(Exception):
    """The house file cannot be used. Holds every fault found, in the order of the lines."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        self.name = name
        self.faults = faults
        super().__init__("\n".join(f"{name}: {fault}" for fault in faults))


class UnknownCode(LookupError):
    """The catalogue holds no such site, category, topic or partner."""

    def __init__(self, kind: str, code: str) -> None:
        self.kind = kind
        self.code = code
        super().__init__(f"no {kind} has the code {code!r}")
