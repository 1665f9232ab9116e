"""What the house's yearly review and the city's have in common: whose they are, and how they stand alone in a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from shared.catalogue import Catalogue
from shared.web.pages import Pages
from shared.web.pages.statics import FOLDER
from shared.web.problems import not_found

_STYLES = (*(FOLDER / name for name in ("pico.css", "theme.css")), Path(__file__).parents[1] / "static" / "figures.css")


def known_site(catalogue: Catalogue, site: str) -> str:
    """The site, or empty for all. Raises the 404 problem for a site that there is not."""
    if site and site not in catalogue.sites_by_code:
        raise not_found("site")
    return site


def alone(pages: Pages, name: str, code: str, facts: Mapping[str, Any]) -> str:
    """A template filled, as one HTML file that needs nothing beside it."""
    style = "\n".join(path.read_text() for path in _STYLES)
    template = pages.environment(code).get_template(name)
    # Our own style sheets, which hold nothing that would end the element.
    return template.render(layout="review_alone.html", page=None, style=Markup(style), choices=(), **facts)  # noqa: S704
