"""The read side of what was published: one table a figure, with a line for every cell and every restatement of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from services.stats.closing import PUBLISHED
from services.stats.publishing import PUBLICATIONS
from shared.catalogue import Catalogue
from shared.database import Database


class Column(NamedTuple):
    """A column of the files: its name, its type in the words of Table Schema, and what it says."""

    name: str
    type: str
    description: str


COLUMNS = (
    Column("site", "string", "Code de la maison ; vide : toutes les maisons ensemble."),
    Column("maille", "string", "day, week, month ou year : la durée de la période."),
    Column("periode", "string", "La période, en ISO 8601 : 2008-03-11, 2008-W11, 2008-03 ou 2008."),
    Column("axe", "string", "Ce que la ligne répartit : total, category, partner, channel ou status."),
    Column("code", "string", "Le code sur cet axe ; vide pour le total."),
    Column("libelle", "string", "Le code en toutes lettres, quand la maison lui donne un nom."),
    Column("nombre", "integer", "Le nombre compté ; vide quand il est masqué."),
    Column("masque", "boolean", "Vrai : le nombre n'est pas publié, il pourrait faire reconnaître quelqu'un."),
    Column("revision", "integer", "1 à la première publication ; 2 et plus : une rectification, à côté."),
    Column("publie_le", "date", "Le jour de la publication."),
)
FIGURES = tuple(PUBLISHED)
KEY = ("site", "maille", "periode", "axe", "code", "revision")
UNITS: Mapping[str, str] = {
    "visits": "Accueils, au jour local où ils ont eu lieu.",
    "requests": "Demandes, au jour local de l'accueil où elles ont été faites.",
    "referrals": "Orientations, au jour local où elles ont été transmises.",
}


class Edition(NamedTuple):
    """How much of a table there is, and since when: what tells one state of it from another."""

    lines: int
    revision: int
    published_on: str | None


async def edition(database: Database, figure: str) -> Edition:
    """The state of one figure's publications."""
    columns = PUBLICATIONS.c
    query = select(func.count(), func.max(columns.revision), func.max(columns.published_on)).where(
        columns.figure == figure
    )
    lines, revision, day = await database.read(lambda connection: connection.execute(query).one())
    return Edition(lines, revision or 0, day)


async def lines_of(database: Database, catalogue: Catalogue, figure: str) -> list[tuple[Any, ...]]:
    """Every published line of a figure, in the order of `COLUMNS`, by period. A withheld count is None."""
    rows = await database.read(lambda connection: _rows(connection, figure))
    labels = _labels(catalogue)
    return [
        (
            row["site"],
            row["grain"],
            row["period"],
            row["dimension"],
            row["value"],
            labels.get((row["dimension"], row["value"]), ""),
            None if row["withheld"] else row["count"],
            bool(row["withheld"]),
            row["revision"],
            row["published_on"],
        )
        for row in rows
    ]


def _rows(connection: Connection, figure: str) -> Sequence[Mapping[Any, Any]]:
    columns = PUBLICATIONS.c
    order = (columns.site, columns.grain, columns.period, columns.dimension, columns.value, columns.revision)
    query = select(PUBLICATIONS).where(columns.figure == figure).order_by(*order)
    return connection.execute(query).mappings().all()


def _labels(catalogue: Catalogue) -> dict[tuple[str, str], str]:
    return {
        **{("category", category.code): category.label_fr for category in catalogue.categories},
        **{("partner", partner.code): partner.name for partner in catalogue.partners},
    }
