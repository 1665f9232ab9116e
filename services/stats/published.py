"""The read side of what was published: one table a figure, with a line for every cell and every restatement of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from services.stats.closing import PUBLISHED
from services.stats.names import changed_at, known_names
from services.stats.publishing import PUBLICATIONS

Line = tuple[Any, ...]
"""One published number, in the order of `COLUMNS`."""


class Column(NamedTuple):
    """A column of the files: its name, its type in the words of Table Schema, and what it says."""

    name: str
    type: str
    description: str


COLUMNS = (
    Column("site", "string", "Code de la maison ; vide : toutes les maisons ensemble."),
    Column("maille", "string", "day, week, month ou year : la durée de la période."),
    Column("periode", "string", "La période, en ISO 8601 : 2008-03-11, 2008-W11, 2008-03 ou 2008."),
    Column("axe", "string", "Ce qui est réparti : total, category, partner, channel, status, language, need ou kind."),
    Column("code", "string", "Le code sur cet axe ; vide pour le total."),
    Column("libelle", "string", "Le code en toutes lettres, quand la maison lui donne un nom."),
    Column("nombre", "integer", "Le nombre compté ; vide quand il est masqué."),
    Column("masque", "boolean", "Vrai : le nombre n'est pas publié, il pourrait faire reconnaître quelqu'un."),
    Column("revision", "integer", "1 à la première publication ; 2 et plus : une rectification, à côté."),
    Column("publie_le", "date", "Le jour de la publication."),
    Column("seuil", "integer", "Le seuil de secret de cette ligne : aucun nombre de 1 à seuil - 1 n'est publié."),
)
FIGURES = tuple(PUBLISHED)
KEY = ("site", "maille", "periode", "axe", "code", "revision")
UNITS: Mapping[str, str] = {
    "visits": "Accueils, au jour local où ils ont eu lieu.",
    "requests": "Demandes, au jour local de l'accueil où elles ont été faites.",
    "referrals": "Orientations, au jour local où elles ont été transmises.",
    "invitations": "Invitations aux familles, au jour local où elles ont été remises.",
    "actions": "Actions collectives, au jour local où elles ont eu lieu.",
    "attendances": "Participations à des actions collectives, nommées ou non, au jour local de l'action.",
}


class Edition(NamedTuple):
    """What tells one state of a file from another: how much there is, and when any of it last changed (UTC)."""

    lines: int
    revision: int
    changed_at: str


def edition(connection: Connection, figures: Sequence[str] = FIGURES) -> Edition:
    """The state of some figures' publications and of what their codes are called."""
    columns = PUBLICATIONS.c
    query = select(func.count(), func.max(columns.revision), func.max(columns.published_at)).where(
        columns.figure.in_(figures)
    )
    lines, revision, published_at = connection.execute(query).one()
    return Edition(lines, revision or 0, max(published_at or "", changed_at(connection)))


def lines_of(connection: Connection, figure: str) -> list[Line]:
    """Every published line of a figure, in the order of `COLUMNS`, by period. A withheld count is None."""
    names = known_names(connection)
    return [
        (
            row["site"],
            row["grain"],
            row["period"],
            row["dimension"],
            row["value"],
            names[key].label if (key := (row["dimension"], row["value"])) in names else "",
            None if row["withheld"] else row["count"],
            bool(row["withheld"]),
            row["revision"],
            row["published_on"],
            row["threshold"],
        )
        for row in rows_of(connection, figure)
    ]


def rows_of(connection: Connection, figure: str) -> Sequence[Mapping[Any, Any]]:
    """A figure's publications as they are kept, with the counts that nobody outside may see, by period."""
    columns = PUBLICATIONS.c
    order = (columns.site, columns.grain, columns.period, columns.dimension, columns.value, columns.revision)
    query = select(PUBLICATIONS).where(columns.figure == figure).order_by(*order)
    return connection.execute(query).mappings().all()
