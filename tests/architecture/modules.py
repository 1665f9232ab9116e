"""Python files as the rules see them: their place on the floor plan, and what they import."""

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

SERVICES = ("intake", "referral", "stats")


class Import(NamedTuple):
    """`from module import name`, or `import module` with an empty name."""

    module: str
    name: str
    line: int

    @property
    def full(self) -> str:
        """Both parts as one dotted name."""
        return f"{self.module}.{self.name}" if self.name else self.module

    def reaches(self, target: str) -> bool:
        """Whether what is imported is `target` or a part of it."""
        return any(path == target or path.startswith(f"{target}.") for path in (self.module, self.full))


class Module:
    """A Python file by its path from the top, with slashes, and its text."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text, self.path)

    @cached_property
    def imports(self) -> list[Import]:
        """Every import, wherever it stands in the file."""
        return list(self._imports())

    @property
    def service(self) -> str | None:
        """The service that this file belongs to."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "services" and len(parts) > 2 and parts[1] in SERVICES else None

    @property
    def room(self) -> str | None:
        """The room of its service: `decider` for `services/intake/decider.py`. Migrations are no room."""
        if self.service is None or "/migrations/" in self.path:
            return None
        return self.path.split("/")[2].removesuffix(".py")

    @property
    def doors(self) -> Iterator[tuple[str, int]]:
        """The rooms of its own service that it imports, and on which line."""
        prefix = f"services.{self.service}"
        for found in self.imports:
            if found.module == prefix and found.name:
                yield found.name, found.line
            elif found.module.startswith(f"{prefix}."):
                yield found.module.split(".")[2], found.line

    def lines_reaching(self, target: str) -> list[int]:
        """Where it imports `target` or a part of it."""
        return sorted({found.line for found in self.imports if found.reaches(target)})

    def _imports(self) -> Iterator[Import]:
        package = self.path.split("/")[:-1]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (Import(alias.name, "", node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*above, *([node.module] if node.module else [])])
                yield from (Import(module, alias.name, node.lineno) for alias in node.names)


class Floor:
    """The rooms of all services and the doors between them."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules: dict[tuple[str, str], list[Module]] = {}
        for module in modules:
            if module.service is not None and module.room is not None:
                self._modules.setdefault((module.service, module.room), []).append(module)

    @property
    def rooms(self) -> list[tuple[str, str]]:
        """Each room as (service, room)."""
        return list(self._modules)

    def modules(self, service: str, room: str) -> list[Module]:
        """The files of a room; none where it is missing."""
        return self._modules.get((service, room), [])

    def reached(self, service: str, room: str, through: Iterable[str]) -> set[str]:
        """The rooms behind a room's doors, those of `through` walked through as if they were its own."""
        found, ahead = set[str](), [room]
        while ahead:
            for module in self.modules(service, ahead.pop()):
                for behind, _ in module.doors:
                    if behind not in found:
                        found.add(behind)
                        ahead += [behind] if behind in through else []
        return found
