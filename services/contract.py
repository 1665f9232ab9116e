"""`python -m services.contract`: write what the services promise, over HTTP and on topics, to `docs/`.

The documents are committed, so that a change of a promise is seen in review; a test keeps them true.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.intake.app import build as build_intake
from services.referral.app import build as build_referral
from services.stats.app import build as build_stats
from shared.settings import HOUSES, Settings

DOCS = Path(__file__).parent.parent / "docs"
_BUILD = {"intake": build_intake, "referral": build_referral, "stats": build_stats}


def documents() -> Iterator[tuple[Path, str]]:
    """Each document's path under `docs/` and its text, from the code as it is and the first house's catalogue."""
    for name, build in _BUILD.items():
        with TemporaryDirectory() as folder:
            settings = Settings(data=Path(folder), database_url="", redis_url="redis://localhost", catalogue=HOUSES)
            app, _ = build(settings)
            yield Path("openapi") / f"{name}.json", _written(app.openapi())
            yield Path("asyncapi") / f"{name}.json", _written(app.state.asyncapi())


def write() -> None:
    """Write every document anew."""
    for path, text in documents():
        (DOCS / path).parent.mkdir(exist_ok=True)
        (DOCS / path).write_text(text, "utf-8")
        sys.stdout.write(f"docs/{path}\n")


def _written(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write()
