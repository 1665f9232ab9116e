"""Who may see what of the live figures: the house all of them, the city totals, unless the house decided otherwise."""

from collections.abc import Sequence

from shared.access.principal import Principal, Role
from shared.catalogue import Catalogue
from shared.web.problems import Problem

_OF_PLACES = ("site",)
"""A site's figure is a total as well: it says where people came, not what for."""


def sees_all(principal: Principal | None, catalogue: Catalogue) -> bool:
    """Whether live figures may be shown divided by what people asked for, whom they met, or how it ended."""
    return principal is None or principal.role is not Role.STATISTICS or catalogue.live_to_city is not None


def divisions(by: Sequence[str], *, all_of_them: bool) -> tuple[str, ...]:
    """What a live figure may be divided by before these eyes."""
    return tuple(one for one in by if all_of_them or one in _OF_PLACES)


def check_division(by: str | None, principal: Principal | None, catalogue: Catalogue) -> None:
    """Raise the 403 problem where a live figure may not be divided like this."""
    if by is not None and not divisions([by], all_of_them=sees_all(principal, catalogue)):
        raise Problem(
            403, "not-allowed", "Live categories are the house's",
            "You may see live totals, and closed periods divided in every way: these are at /exports/datapackage.json.",
        )  # fmt: skip
