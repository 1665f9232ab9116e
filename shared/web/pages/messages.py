"""`make messages`: finds the texts of the pages, and brings each `locale/en.po` up to date with them.

Texts stand in French in templates (`_("...")`) and in Python (`language.gettext("...")`, `mark("...")`). A file
holds no line numbers and no dates, so that it changes only where a text does.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[3]
OWNERS = ("shared/web", "services/intake", "services/referral", "services/stats")
"""Each has a `locale` folder of its own, where it has texts."""
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}

Text = str | tuple[str, str]
"""One text, or its singular and plural."""


def found(owner: str) -> list[Text]:
    """The texts of an owner's Python and templates, in their order, each once."""
    options = {"**/templates/**.html": {"newstyle_gettext": "true", "trimmed": "false", "silent": "false"}}
    hits = extract_from_dir(
        str(ROOT / owner), method_map=_METHODS, options_map=options, keywords=_KEYWORDS, directory_filter=_is_ours
    )
    return list(dict.fromkeys(text if isinstance(text, str) else (text[0], text[1]) for _, _, text, _, _ in hits))


def _is_ours(folder: str | Path) -> bool:
    return Path(folder).name not in {"__pycache__", "migrations", "static", "locale"}


def catalogue(owner: str) -> Catalog:
    """The English texts of an owner, as its file has them; empty where there is no file."""
    path = path_of(owner)
    if not path.exists():
        return Catalog(locale="en")
    with path.open("rb") as file:
        return read_po(file, "en")


def path_of(owner: str) -> Path:
    """Where an owner's English stands."""
    return ROOT / owner / "locale" / "en.po"


def untranslated(owner: str) -> Iterator[Text]:
    """Texts of an owner that its English file lacks, has empty, or has marked as unsure."""
    english = catalogue(owner)
    for text in found(owner):
        message = english.get(text if isinstance(text, str) else text[0])
        there = message.string if message else ""
        complete = bool(there) if isinstance(there, str) or there is None else all(there)
        if message is None or message.fuzzy or not complete or isinstance(message.id, str) != isinstance(text, str):
            yield text


def unused(owner: str) -> Iterator[str]:
    """Texts of an owner's English file that no page shows any more."""
    texts = {text if isinstance(text, str) else text[0] for text in found(owner)}
    for message in catalogue(owner):
        name = message.id if isinstance(message.id, str) else message.id[0]
        if name and name not in texts:
            yield name


def update(owner: str) -> None:
    """Write the file anew: new texts are added empty, unused ones go, translations stay."""
    before, after = catalogue(owner), Catalog(locale="en", charset="utf-8")
    for text in found(owner):
        old = before.get(text if isinstance(text, str) else text[0])
        kept = old.string if old and isinstance(old.id, str) == isinstance(text, str) else ""
        after.add(text, kept)
    if not len(after):
        return
    written = BytesIO()
    write_po(written, after, width=110, no_location=True, omit_header=True, ignore_obsolete=True)
    header = 'msgid ""\nmsgstr ""\n"Language: en\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    plural = '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    path_of(owner).parent.mkdir(exist_ok=True)
    path_of(owner).write_text(header + plural + written.getvalue().decode())


if __name__ == "__main__":
    for each in OWNERS:
        update(each)
        for missing in untranslated(each):
            print(f"{path_of(each).relative_to(ROOT)}: {missing}")  # noqa: T201 - a command of ours
