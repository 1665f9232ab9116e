"""Who reads a page, as its header says it: by the name of the account, and the role in words."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from shared.access.principal import SHOWN_AS, Role, principal_of
from shared.web.pages.language import mark

_ROLES = {
    Role.FRONT_DESK: mark("accueil"),
    Role.COORDINATOR: mark("coordination"),
    Role.PARTNER: mark("partenaire"),
    Role.STATISTICS: mark("statistiques"),
    Role.DATA_PROTECTION: mark("protection des données"),
    Role.OPERATIONS: mark("exploitation"),
}


@dataclass(frozen=True)
class Reader:
    """Somebody who signed in; `role` is a marked text. Shown to themselves alone. `partner`: for whom they work."""

    name: str
    role: str
    code: Role
    partner: str | None = None


def reader_of(request: HTTPConnection) -> Reader | None:
    """Who signed in to read this page; None for who did not, and for machines."""
    principal = principal_of(request)
    if principal is None or not principal.session:
        return None
    name = str(request.scope.get("state", {}).get(SHOWN_AS, ""))
    return Reader(name, _ROLES[principal.role], principal.role, principal.partner)
