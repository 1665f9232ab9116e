"""A house of two sites: the first house file, with a second, invented site behind it."""

from pathlib import Path

from shared.settings import HOUSES

SECOND = "essai-les-pins"
SECOND_SITE = f"""
[[sites]]
code = "{SECOND}"
name = "Maison d'Essai, Les Pins"
time_zone = "Europe/Paris"
calendar = "FR"
offices = [{{ code = "bureau-a", name = "Bureau A" }}]

[sites.hours]
monday = ["08:30-12:00"]
"""


def house_of_two_sites(folder: Path) -> Path:
    """Its file, written into this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "two-sites.toml"
    path.write_text((HOUSES / "fontaine-d-ouche.toml").read_text() + SECOND_SITE)
    return path
