"""The five databases of a house, and the migrations of each."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from services import SERVICES
from services.backup.manifest import Manifest, Refused

PARTS = (*SERVICES, "vault", "keys")


def versions(part: str) -> Path:
    """The folder of a database's migrations."""
    if part in SERVICES:
        schema = import_module(f"services.{part}.app").SCHEMA
        return Path(schema.versions)
    from services.intake.vault import vault

    return vault.VERSIONS[part]


def refuse_newer(manifest: Manifest) -> None:
    """Raises `Refused` for a backup whose tables this release does not know."""
    for part, version in manifest.schemas.items():
        if part not in PARTS or not any(versions(part).glob(f"{version}_*.py")):
            raise Refused(
                f"{part} stands at migration {version}, which this release does not have: install a newer one"
            )


def all_schemas(manifests: list[Manifest]) -> Mapping[str, str]:
    """The migrations of every part that these backups hold."""
    return {part: version for manifest in manifests for part, version in manifest.schemas.items()}
