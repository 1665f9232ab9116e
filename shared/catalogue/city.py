"""What the city gets: how large a published number is at least, and whether it sees live categories."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.catalogue.part import Label, Part

K_DEFAULT = 11
K_MIN = 5
"""What the law lets nobody go below: a house that states less does not open."""
_K_MAX = 1_000


def _large_enough(k: int) -> int:
    if k < K_MIN:
        raise ValueError(f"is {k}: a count of fewer than {K_MIN} is never published, so {K_MIN} is the least")
    return k


Threshold = Annotated[int, AfterValidator(_large_enough), Field(le=_K_MAX)]


class Thresholds(Part):
    """The tables that have a threshold of their own, by the name of the figure."""

    visits: Threshold | None = None
    requests: Threshold | None = None
    referrals: Threshold | None = None
    invitations: Threshold | None = None
    actions: Threshold | None = None
    attendances: Threshold | None = None


class Secrecy(Part):
    """The threshold of secrecy: a count of at least one and fewer than `k` is withheld."""

    k: Threshold = K_DEFAULT
    tables: Thresholds = Thresholds()

    def of(self, table: str) -> int:
        """The threshold of one table; of the house where the table has none of its own."""
        own: int | None = getattr(self.tables, table, None)
        return own or self.k


class LiveToCity(Part):
    """A decision to let the city see live categories too. Nobody is held to have decided it who is not named."""

    decided_by: Label
    decided_on: date
