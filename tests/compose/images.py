"""The images: a base of Debian's packages in place of those of a registry, and the house on top of it."""

import configparser
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.compose.podman import Podman, run

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
_SERVERS_FROM = (HERE / "servers.Containerfile", HERE / "postgresql.sh")
# Made once and kept: they take longer than all the rest. `podman rmi` them to have them made again.
PYTHON = "localhost/maison-tests/python:bookworm"
SERVERS = (
    f"localhost/maison-tests/servers:{hashlib.sha256(b''.join(p.read_bytes() for p in _SERVERS_FROM)).hexdigest()[:12]}"
)
# Made anew each time, and removed.
BUILT = "localhost/maison-tests/built:now"
HOUSE = "localhost/maison-tests/house:now"
BUILD_S_MAX = 600


def prepare_bases(podman: Podman) -> None:
    """Make the two base images, if they are not there. Raises `PodmanFailed`."""
    if not podman.succeeds("image", "exists", PYTHON):
        _make_python(podman)
    if not podman.succeeds("image", "exists", SERVERS):
        build = ("build", "--quiet", "--network", "host", "--build-arg", f"BASE={PYTHON}", "-t", SERVERS)
        podman(*build, "-f", _SERVERS_FROM[0], HERE, wait_s=BUILD_S_MAX)


@contextmanager
def house_image(podman: Podman) -> Iterator[str]:
    """The image of the project's Dockerfile, gone afterwards with all that went into it."""
    with TemporaryDirectory(prefix="maison-pip-") as folder:
        settings, places = _package_index(Path(folder) / "pip.conf")
        volumes = [word for place in places for word in ("-v", f"{place}:{place}:ro")]
        build = ("build", "--quiet", "--network", "host", "--build-arg", f"PYTHON_IMAGE={PYTHON}", *volumes)
        try:
            # The first stage gets a name, by which it can be removed.
            for stage in (("--target", "built", "-t", BUILT), ("-t", HOUSE)):
                podman(*build, "--secret", f"id=pip,src={settings}", *stage, ROOT, wait_s=BUILD_S_MAX)
            yield HOUSE
        finally:
            for image in (HOUSE, BUILT):
                if podman.succeeds("image", "exists", image):
                    podman("rmi", "--force", image)


def _make_python(podman: Podman) -> None:
    with TemporaryDirectory(prefix="maison-base-") as folder:
        root = Path(folder) / "root"
        options = ("--variant=minbase", "--include=python3,python3-venv,ca-certificates")
        run(["debootstrap", *options, "bookworm", root], podman.environment, BUILD_S_MAX)
        archive = Path(folder) / "root.tar"
        left_out = ("--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*")
        run(["tar", "-C", root, *left_out, "-cf", archive, "."], podman.environment, BUILD_S_MAX)
        podman("import", archive, PYTHON, wait_s=BUILD_S_MAX)


def _package_index(settings: Path) -> tuple[Path, Sequence[Path]]:
    """Write down where pip finds packages on this machine; with it, the local places that it names."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    options = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", told, re.MULTILINE))
    parser = configparser.RawConfigParser()
    parser["global"] = {name: value.replace("\\n", " ") for name, value in options.items()}
    with settings.open("w") as file:
        parser.write(file)
    words = [word for value in parser["global"].values() for word in value.split()]
    return settings, sorted({place for word in words if (place := _local(word)) and place.exists()})


def _local(word: str) -> Path | None:
    """A folder or file of this machine. An index lies beside the files that it points to."""
    if word.startswith("file:"):
        return Path(urlsplit(word).path).parent
    return Path(word) if word.startswith("/") else None
