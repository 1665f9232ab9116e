"""The star on PostgreSQL: views of a schema `bi` over what was published, with a comment on each and on every column.

Views are there with the publication itself, in its own transaction. They run with the rights of their owner, so that
whoever may read them need not be let at the tables behind. The schema is the house's: it is made anew when a release
says something else of it, and whatever others put into it goes with it.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from sqlalchemy import Connection, text

from services.stats.bi.star import AXES, DIMENSIONS, FACT_TABLES, PERIODS, SITE, TABLES, WHOLE, Table
from services.stats.closing import PUBLISHED
from services.stats.projections import TOTAL

SCHEMA = "bi"
_SAYS = "Chiffres publiés de la maison, périodes closes seulement. Faits et dimensions en étoile."
_CELL = ("figure", "dimension", "grain", "site", "period", "value")


def build_schema(connection: Connection, source: str) -> Sequence[str]:
    """Make the schema as this release says, over the tables of the schema `source`; nothing when it is so already.

    As all steps towards BI tools it answers with what a person has to look at, in sentences: here with none.
    """
    statements = list(_statements(source))
    mark = f"{_SAYS} [{sha256(''.join(statements).encode()).hexdigest()[:16]}]"
    said = "SELECT obj_description(to_regnamespace(:schema), 'pg_namespace')"
    if connection.execute(text(said), {"schema": SCHEMA}).scalar() == mark:
        return []
    for statement in (f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}", *statements):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS {_quoted(mark)}")
    return []


def _statements(source: str) -> Iterator[str]:
    views = {PERIODS.name: _periods(source)}
    views |= {table.name: _names(source, dimension, table) for dimension, table in DIMENSIONS.items()}
    views |= {table.name: _facts(source, figure) for figure, table in FACT_TABLES.items()}
    for table in TABLES:
        yield f"CREATE VIEW {SCHEMA}.{table.name} AS {views[table.name]}"
        yield f"COMMENT ON VIEW {SCHEMA}.{table.name} IS {_quoted(table.description)}"
        for column in table.columns:
            yield f"COMMENT ON COLUMN {SCHEMA}.{table.name}.{column.name} IS {_quoted(column.description)}"


def _periods(source: str) -> str:
    figures = ", ".join(_quoted(figure) for figure in FACT_TABLES)
    # Whatever is counted of a site is counted of all: these few lines name every period there is.
    found = (
        f"SELECT DISTINCT period, grain FROM {source}.publications"
        f" WHERE figure IN ({figures}) AND dimension = {_quoted(TOTAL)} AND site = ''"
    )
    first = (
        "CASE grain WHEN 'day' THEN to_date(period, 'YYYY-MM-DD') WHEN 'week' THEN to_date(period, 'IYYY\"-W\"IW')"
        " WHEN 'month' THEN to_date(period, 'YYYY-MM') ELSE to_date(period, 'YYYY') END"
    )
    columns = {
        "periode": "period",
        "maille": "grain",
        "premier_jour": "first",
        "dernier_jour": "(first + ('1 ' || grain)::interval)::date - 1",
        "annee": "CASE grain WHEN 'week' THEN extract(isoyear FROM first) ELSE extract(year FROM first) END::bigint",
        "mois": "CASE WHEN grain IN ('day', 'month') THEN extract(month FROM first) END::bigint",
        "semaine": "CASE grain WHEN 'week' THEN extract(week FROM first) END::bigint",
    }
    chosen = ", ".join(f"{columns[column.name]} AS {column.name}" for column in PERIODS.columns)
    return f"SELECT {chosen} FROM (SELECT period, grain, {first} AS first FROM ({found}) AS found) AS dated"


def _names(source: str, dimension: str, table: Table) -> str:
    axis = SITE if table.name == SITE.table else AXES[dimension]
    return (
        f"SELECT ''::text AS {axis.column}, {_quoted(WHOLE)}::text AS libelle, 0::bigint AS rang UNION ALL"
        f" SELECT code, label, place FROM {source}.names WHERE dimension = {_quoted(dimension)}"
    )


def _facts(source: str, figure: str) -> str:
    same = " AND ".join(f"later.{name} = cell.{name}" for name in _CELL)
    later = f"SELECT FROM {source}.publications AS later WHERE {same} AND later.revision > cell.revision"
    columns = {
        "periode": "cell.period",
        "maille": "cell.grain",
        "site": "cell.site",
        "axe": "cell.dimension",
        **{AXES[axis].column: f"CASE cell.dimension WHEN '{axis}' THEN cell.value ELSE '' END" for axis in AXES},
        "nombre": "CASE WHEN NOT cell.withheld THEN cell.count END",
        "masque": "cell.withheld",
        "seuil": "cell.threshold",
        "revision": "cell.revision",
        "en_vigueur": f"NOT EXISTS ({later})",
        "publie_le": "cell.published_on::date",
    }
    assert set(PUBLISHED[figure]) <= set(AXES)
    chosen = ", ".join(f"{columns[column.name]} AS {column.name}" for column in FACT_TABLES[figure].columns)
    return f"SELECT {chosen} FROM {source}.publications AS cell WHERE cell.figure = {_quoted(figure)}"


def _quoted(words: str) -> str:
    """Words of ours as a literal; the driver takes a lone per cent sign for a parameter's beginning."""
    return "'" + words.replace("'", "''").replace("%", "%%") + "'"
