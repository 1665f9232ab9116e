"""The star: facts of published numbers, one table a figure, and the dimensions that their codes lead to."""

from collections.abc import Mapping
from typing import NamedTuple

from services.stats.actions import ACTIONS, ATTENDANCES
from services.stats.closing import PUBLISHED
from services.stats.projections import REFERRALS, REQUESTS, VISITS
from services.stats.published import Column
from services.stats.waiting import INVITATIONS

WHOLE = "Ensemble"
"""What the empty code of each dimension is called: the line that is not divided by it."""


class Table(NamedTuple):
    """A table of the star. `key`: the columns that name a line; `leads_to`: column -> the dimension it is a key of."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    leads_to: Mapping[str, str] = {}


class Axis(NamedTuple):
    """What a figure can be divided by: the column of the facts, and its dimension."""

    column: str
    table: str
    description: str


AXES: Mapping[str, Axis] = {
    "category": Axis("categorie", "dim_categorie", "Catégories de demande de la maison."),
    "partner": Axis("partenaire", "dim_partenaire", "Partenaires à qui des demandes sont confiées."),
    "channel": Axis("modalite", "dim_modalite", "Modalités : à l'accueil, par téléphone, par courrier ..."),
    "status": Axis("etat", "dim_etat", "États d'une demande, d'une orientation ou d'une invitation."),
    "language": Axis("langue", "dim_langue", "Langues, par leur code ISO 639-1, là où elles sont notées."),
    "need": Axis("besoin", "dim_besoin", "Ce qu'il a fallu pour se comprendre : interprète, écrivain public."),
    "kind": Axis("sorte", "dim_sorte", "Sortes d'action collective."),
}
SITE = Axis("site", "dim_site", "Maisons ; la ligne vide est leur ensemble.")
FACTS: Mapping[str, tuple[str, str]] = {
    VISITS: (
        "fait_accueils",
        "Accueils publiés, au jour local où ils ont eu lieu. Par catégorie, ils comptent sous chacune des leurs.",
    ),
    REQUESTS: ("fait_demandes", "Demandes publiées, au jour local de l'accueil où elles ont été faites."),
    REFERRALS: ("fait_orientations", "Orientations publiées, au jour local où elles ont été transmises."),
    INVITATIONS: (
        "fait_invitations",
        "Invitations aux familles publiées, au jour local de la remise ; utilisées quand la famille est venue.",
    ),
    ACTIONS: ("fait_actions", "Actions collectives publiées, au jour local où elles ont eu lieu."),
    ATTENDANCES: (
        "fait_participations",
        "Participations publiées, au jour local de l'action : qui vient dix fois compte dix fois.",
    ),
}
"""The table of each figure. Each counts in a unit of its own: figures are never added up with each other."""

_SUM_ONCE = " N'additionner que des lignes d'un même axe, d'une même maille, en vigueur, et d'un site ou de l'ensemble."
_BEFORE = (
    Column("periode", "string", "La période, en ISO 8601 : 2008-03-11, 2008-W11, 2008-03 ou 2008."),
    Column("maille", "string", "La durée de la période : day, week, month ou year."),
    Column("site", "string", "Code de la maison ; vide : toutes les maisons ensemble."),
    Column("axe", "string", "Ce qui est réparti : total, category, partner, channel, status, language, need ou kind."),
)
_AFTER = (
    Column("nombre", "integer", "Le nombre compté ; vide quand il est masqué, jamais zéro à sa place."),
    Column("masque", "boolean", "Vrai : le nombre n'est pas publié, il pourrait faire reconnaître quelqu'un."),
    Column("seuil", "integer", "Le seuil de secret de cette ligne : aucun nombre de 1 à seuil - 1 n'est publié."),
    Column("revision", "integer", "1 à la première publication ; 2 et plus : une rectification, à côté."),
    Column("en_vigueur", "boolean", "Vrai : la dernière révision de ce nombre, celle qui fait foi."),
    Column("publie_le", "date", "Le jour de la publication."),
)

PERIODS = Table(
    "dim_periode",
    "Périodes closes et publiées, une ligne chacune.",
    (
        Column("periode", "string", "La période, en ISO 8601 : la clé."),
        Column("maille", "string", "La durée de la période : day, week, month ou year."),
        Column("premier_jour", "date", "Son premier jour."),
        Column("dernier_jour", "date", "Son dernier jour."),
        Column("annee", "integer", "Son année ; pour une semaine, l'année ISO de la semaine."),
        Column("mois", "integer", "Son mois, de 1 à 12 ; vide pour une semaine et une année."),
        Column("semaine", "integer", "Son numéro de semaine ISO ; vide pour un jour, un mois et une année."),
    ),
    ("periode",),
)


def _dimension(axis: Axis) -> Table:
    columns = (
        Column(axis.column, "string", f"Le code : la clé. Vide : {WHOLE.lower()}, la ligne qui n'est pas répartie."),
        Column("libelle", "string", "Le code en toutes lettres."),
        Column("rang", "integer", "Sa place dans l'ordre de la maison."),
    )
    return Table(axis.table, axis.description, columns, (axis.column,))


def _fact(figure: str) -> Table:
    name, description = FACTS[figure]
    axes = [AXES[dimension] for dimension in PUBLISHED[figure]]
    codes = tuple(
        Column(axis.column, "string", f"Le code sur cet axe, clé de {axis.table} ; vide sur les autres axes.")
        for axis in axes
    )
    return Table(
        name,
        description + _SUM_ONCE,
        (*_BEFORE, *codes, *_AFTER),
        ("periode", "site", "axe", *(axis.column for axis in axes), "revision"),
        {"periode": PERIODS.name, "site": SITE.table, **{axis.column: axis.table for axis in axes}},
    )


DIMENSIONS: Mapping[str, Table] = {dimension: _dimension(axis) for dimension, axis in ({"site": SITE, **AXES}).items()}
"""The table of each dimension that has names."""
FACT_TABLES: Mapping[str, Table] = {figure: _fact(figure) for figure in FACTS}
TABLES = (PERIODS, *DIMENSIONS.values(), *FACT_TABLES.values())
