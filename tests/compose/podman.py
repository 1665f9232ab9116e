"""Podman, told to run where it can: as root, without systemd, on old and new control groups alike."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

PROGRAMS = ("podman", "runc", "conmon", "iptables")
NETWORK_PROGRAMS = ("netavark", "aardvark-dns")
_NETWORK_FOLDERS = ("/usr/lib/podman", "/usr/libexec/podman", "/usr/local/lib/podman", "/usr/local/libexec/podman")
# crun refuses hybrid control groups; podman's own limits lie above those of some machines, and fail.
_CONFIGURATION = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
"""


class PodmanFailed(RuntimeError):
    """What podman said."""


def missing() -> str:
    """Why no containers can run here; empty where they can."""
    if os.geteuid() != 0:
        return "containers are run as root here"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    absent += [name for name in NETWORK_PROGRAMS if not any((Path(at) / name).exists() for at in _NETWORK_FOLDERS)]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: podman runc netavark aardvark-dns iptables debootstrap)"
    return "" if find_spec("podman_compose") else "podman-compose is not installed"


class Podman:
    """Runs podman with a configuration of our own, in `folder`; nothing of the machine's is changed."""

    def __init__(self, folder: Path) -> None:
        configuration = folder / "containers.conf"
        configuration.write_text(_CONFIGURATION)
        self.environment: Mapping[str, str] = {**os.environ, "CONTAINERS_CONF": str(configuration)}

    def __call__(self, *words: str | Path, wait_s: float = 60) -> str:
        """What it prints. Raises `PodmanFailed`."""
        return run(["podman", *words], self.environment, wait_s)

    def succeeds(self, *words: str | Path) -> bool:
        """Whether it can be done."""
        try:
            self(*words)
        except PodmanFailed:
            return False
        return True

    def clear(self, project: str) -> None:
        """Remove everything of a project: containers, then networks, volumes and pods, whatever state they are in."""
        label = f"label=io.podman.compose.project={project}"
        for listed, remove in (
            (("ps", "-aq"), ("rm", "-f", "-t", "0", "-v")),
            (("pod", "ps", "-q"), ("pod", "rm", "-f")),
            (("network", "ls", "-q"), ("network", "rm", "-f")),
            (("volume", "ls", "-q"), ("volume", "rm", "-f")),
        ):
            if found := self(*listed, "--filter", label).split():
                self(*remove, *found)

    def leftovers(self, project: str) -> list[str]:
        """What there still is of a project."""
        label = f"label=io.podman.compose.project={project}"
        lists = (("ps", "-aq"), ("pod", "ps", "-q"), ("network", "ls", "-q"), ("volume", "ls", "-q"))
        return [each for listed in lists for each in self(*listed, "--filter", label).split()]


def run(command: Sequence[str | Path], environment: Mapping[str, str], wait_s: float) -> str:
    """What a command prints on its standard output. Raises `PodmanFailed` with its last words."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=wait_s, check=False)
    except subprocess.TimeoutExpired:
        raise PodmanFailed(f"{' '.join(words)}: not done after {wait_s:.0f} s") from None
    if done.returncode != 0:
        raise PodmanFailed(f"{' '.join(words)}: {done.returncode}: {done.stderr[-2_000:]}")
    return done.stdout
