"""`make vendor`: fetches the styles and scripts of others, checks what came, and keeps the few files we serve.

What npm delivers is compared with the integrity noted in `vendored.toml`: other bytes are refused.
"""

import base64
import hashlib
import subprocess
import tarfile
import tempfile
import tomllib
from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"
FETCH_S_MAX = 120


class WrongBytes(Exception):
    """A package is not the one that was looked at when its integrity was noted."""


def vendor(static: Path = STATIC) -> list[str]:
    """Fetch each package of `vendored.toml` anew; the names of the files kept. Raises `WrongBytes`."""
    kept = []
    for package in tomllib.loads((static / "vendored.toml").read_text())["packages"]:
        with tempfile.TemporaryDirectory() as folder:
            archive = _fetch(f"{package['name']}@{package['version']}", Path(folder))
            found = integrity(archive.read_bytes())
            if found != package["integrity"]:
                raise WrongBytes(f"{package['name']} {package['version']}: {found}")
            with tarfile.open(archive) as members:
                for name, member in package["files"].items():
                    content = members.extractfile(f"package/{member}")
                    assert content, f"{package['name']} has no {member}"
                    (static / name).write_bytes(content.read())
                    kept.append(name)
    return kept


def integrity(content: bytes) -> str:
    """As npm writes it: `sha512-<base64>`."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def _fetch(package: str, folder: Path) -> Path:
    command = ["npm", "pack", package, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, timeout=FETCH_S_MAX, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    return archive


if __name__ == "__main__":
    print("\n".join(vendor()))  # noqa: T201 - a command of ours
