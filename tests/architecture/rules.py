"""Who may import whom, what the pure rooms may touch, how long and how named a file is.

A rule yields its faults as `file:line: what is wrong; what to do`.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.architecture.modules import SERVICES, Floor, Import, Module

Rule = Callable[[Sequence[Module]], Iterator[str]]

# From the street to the safe: a room may import those below its own line. A room that is not named here is a
# part of whichever rooms import it, and may go no further than they may.
LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"__main__"}),
    frozenset({"app"}),
    frozenset({"api", "pages", "consumers"}),
    frozenset({"handlers", "queries"}),
    frozenset({"reactions", "decider", "projections", "routing"}),
    frozenset({"commands", "tables"}),
    frozenset({"settings", "__init__"}),
)
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
PURE = frozenset({"commands", "decider", "reactions", "projections", "routing"})
PURE_LIBRARIES = frozenset({"pydantic", "msgspec"})
PURE_SHARED = (
    "shared.events",
    "shared.envelope",
    "shared.catalogue",
    "shared.decider",
    "shared.ids.derive_id",
)
# What of the standard library looks at the world, waits, or guesses.
IMPURE_STANDARD = re.compile(
    r"asyncio|concurrent|ftplib|glob|http|io|logging|multiprocessing|os|pathlib|queue|random|sched|secrets|select"
    r"|selectors|shelve|shutil|signal|smtplib|socket|socketserver|sqlite3|ssl|subprocess|sys|tempfile|threading|time"
    r"|urllib|uuid"
)

CLOCK_AND_CHANCE = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime)"
    r"|uuid[1467]|random(\.\w+)?)$"
)
MAY_ASK_CLOCK_AND_CHANCE = ("shared/clock.py", "shared/ids.py", "services/demo/", "tests/", "benchmarks/")
# Where it is read what is held on somebody, and what is public there and tells nothing of anybody, or writes.
READ_SIDE: Mapping[str, frozenset[str]] = {
    "services/intake/queries.py": frozenset(),
    "services/intake/today.py": frozenset(),
    "services/intake/disclosures.py": frozenset(),
    "services/intake/exporting.py": frozenset(),
    "services/intake/actions/attended.py": frozenset(),
    "services/intake/actions/holding.py": frozenset({"hold", "change"}),
    "services/intake/invitations/giving.py": frozenset({"inviting", "append_together"}),
    "services/intake/waiting/arrivals.py": frozenset({"note", "receive", "let_go", "undo"}),
    "services/referral/queries.py": frozenset(),
    "services/referral/desk.py": frozenset(),
    "services/referral/answers.py": frozenset(),
    "services/referral/coordinating.py": frozenset({"oldest_unanswered_s"}),
    "services/referral/live.py": frozenset({"head"}),
}
# The read models that lead to somebody, and who may name them besides: what keeps them, and what works by itself.
LEADS_TO_SOMEBODY = frozenset({"QUEUE_ITEMS", "VISIT_REFERRALS"})
KEEPS_THEM = frozenset(
    {
        *("services/intake/tables.py", "services/intake/consumers.py", "services/intake/app.py"),
        *("services/referral/keeping.py", "services/referral/narrowing.py", "services/referral/rebuilding.py"),
        *("services/referral/timer.py", "services/referral/permanences/places.py"),
    }
)
SCOPES_ARE_MADE_IN = "shared/access/scope.py"
NAMELESS = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"})
LINES_MAX = 300


def arrows_point_down(modules: Sequence[Module]) -> Iterator[str]:
    """Rooms of a service import lower rooms only; the pure ones also each other."""
    floor = Floor(modules)
    for service, room in floor.rooms:
        for module in floor.modules(service, room) if room in LEVEL else ():
            for door, line in module.doors:
                for found in _behind(floor, service, door):
                    if found != room and not _is_below(found, room):
                        what = f"{room} reaches {found}, above or beside it"
                        yield _fault(module, line, what, "turn the arrow round")


def services_stay_apart(modules: Sequence[Module]) -> Iterator[str]:
    """A service hears of another through its events alone."""
    for module in modules:
        for other in SERVICES:
            if module.service not in (None, other):
                for line in module.lines_reaching(f"services.{other}"):
                    yield _fault(module, line, f"imports the service {other}", "hear its events, in shared.events")


def shared_knows_no_service(modules: Sequence[Module]) -> Iterator[str]:
    """What several stand on stands on none of them."""
    for module in modules:
        if module.path.startswith("shared/"):
            for line in module.lines_reaching("services"):
                yield _fault(module, line, "shared imports services", "take it as an argument, or move it here")


def the_house_needs_no_tests(modules: Sequence[Module]) -> Iterator[str]:
    """What runs in production imports neither tests nor benchmarks."""
    for module in modules:
        if module.path.startswith(("shared/", "services/")):
            for target in ("tests", "benchmarks"):
                for line in module.lines_reaching(target):
                    yield _fault(module, line, f"imports {target}", "move what it needs to shared")


def the_auditor_counts_by_itself(modules: Sequence[Module]) -> Iterator[str]:
    """`services/verify` judges the services: what it shares with them it cannot find wrong."""
    for module in modules:
        if module.path.startswith("services/verify"):
            for service in SERVICES:
                for line in module.lines_reaching(f"services.{service}"):
                    yield _fault(module, line, f"the auditor imports {service}", "read its database by SQL of its own")


def pure_rooms_import_only_what_is_pure(modules: Sequence[Module]) -> Iterator[str]:
    """Rules stand on the standard library, pydantic, msgspec, the published language and each other."""
    for module, room in _pure_modules(modules):
        for found in module.imports:
            if not _is_pure(found, module, room):
                yield _fault(module, found.line, f"{room} is pure and imports {found.full}", "leave it to a handler")


def pure_rooms_never_wait(modules: Sequence[Module]) -> Iterator[str]:
    """Rules have nothing to wait for."""
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    for module, room in _pure_modules(modules):
        for node in ast.walk(module.tree):
            if isinstance(node, waits):
                yield _fault(module, node.lineno, f"{room} is pure and waits", "let its handler await, and hand it in")


def clock_and_chance_are_asked_in_one_place(modules: Sequence[Module]) -> Iterator[str]:
    """Time and ids are made at the edges, by `shared.clock` and `shared.ids`."""
    remedy = "ask shared.clock or shared.ids at the edge, and hand the answer in"
    for module in modules:
        if module.path.startswith(MAY_ASK_CLOCK_AND_CHANCE):
            continue
        for found in module.imports:
            if CLOCK_AND_CHANCE.search(found.full) or CLOCK_AND_CHANCE.search(found.module):
                yield _fault(module, found.line, f"imports {found.full}", remedy)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and CLOCK_AND_CHANCE.search(ast.unparse(node)):
                yield _fault(module, node.lineno, f"asks {ast.unparse(node)}", remedy)


def what_is_read_of_somebody_takes_a_scope(modules: Sequence[Module]) -> Iterator[str]:
    """Nothing on the read side is asked without saying how far the reader may see."""
    for module in modules:
        if module.path in READ_SIDE:
            for function in _public_functions(module):
                if _asks_a_store(function) and function.name not in READ_SIDE[module.path] and not _scoped(function):
                    what = f"{function.name} reads without a scope"
                    yield _fault(module, function.lineno, what, "take a `Scope`, without a default, and narrow by it")


def what_leads_to_somebody_is_read_on_the_read_side(modules: Sequence[Module]) -> Iterator[str]:
    """The rows of referrals are selected where a scope is asked for; the rest of the house asks there."""
    for module in modules:
        if module.service and module.path not in {*READ_SIDE, *KEEPS_THEM} and "/migrations/" not in module.path:
            for line, name in _names(module):
                if name in LEADS_TO_SOMEBODY:
                    yield _fault(module, line, f"names {name}", "ask the read side, which takes a scope")


def edges_answer_in_the_scope_of_who_asks(modules: Sequence[Module]) -> Iterator[str]:
    """Pages and routes neither read the log past the read side, nor see with the eyes of the house."""
    for module in modules:
        if module.service and re.search(r"/pages/|/api/|/api\.py$|routes\.py$|page\.py$", module.path):
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call) and re.search(r"\b_?log\.read(_\w+)?$", ast.unparse(node.func)):
                    yield _fault(module, node.lineno, "reads the log", "ask the read side, which takes a scope")
            for found in module.imports:
                if found.name == "INNER":
                    yield _fault(module, found.line, "answers somebody as if nobody asked", "ask `acting_scope()`")


def scopes_are_made_in_one_place(modules: Sequence[Module]) -> Iterator[str]:
    """A scope says who asks: nobody makes up one of his own."""
    for module in modules:
        if module.path.startswith(("shared/", "services/")) and module.path != SCOPES_ARE_MADE_IN:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call) and re.search(r"(^|\.)Scope$", ast.unparse(node.func)):
                    yield _fault(module, node.lineno, "makes up a scope", "ask `scope_of(principal)`, or `INNER`")


def names_say_what_is_inside(modules: Sequence[Module]) -> Iterator[str]:
    """A module is named by what it hides."""
    for module in modules:
        if NAMELESS & set(re.split(r"[/_]", module.path.removesuffix(".py"))):
            yield _fault(module, 1, "a name that says nothing", "name the file by the one thing it does")


def modules_introduce_themselves(modules: Sequence[Module]) -> Iterator[str]:
    """Every module begins with a docstring."""
    for module in modules:
        if not ast.get_docstring(module.tree):
            yield _fault(module, 1, "no docstring", "say in a sentence what the module hides")


def files_stay_small(modules: Sequence[Module]) -> Iterator[str]:
    """A file of services or shared is one thing, read in one go."""
    for module in modules:
        lines = len(module.text.splitlines())
        if module.path.startswith(("services/", "shared/")) and lines > LINES_MAX:
            yield _fault(module, LINES_MAX + 1, f"{lines} lines of {LINES_MAX}", "split it where its subject changes")


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _public_functions(module: Module) -> Iterator[_Function]:
    for node in module.tree.body:
        for one in (node, *(node.body if isinstance(node, ast.ClassDef) else ())):
            if isinstance(one, _Function) and not one.name.startswith("_"):
                yield one


def _asks_a_store(function: _Function) -> bool:
    """Whoever waits, waits for a store; who does not wait may have been handed its connection."""
    kinds = {ast.unparse(one.annotation) for one in function.args.args if one.annotation}
    return isinstance(function, ast.AsyncFunctionDef) or "Connection" in kinds


def _scoped(function: _Function) -> bool:
    taken, defaults = function.args.args, len(function.args.defaults)
    required = taken[: len(taken) - defaults]
    return any(one.annotation is not None and ast.unparse(one.annotation) == "Scope" for one in required)


def _names(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield node.lineno, name


def _fault(module: Module, line: int, what: str, remedy: str) -> str:
    return f"{module.path}:{line}: {what}; {remedy}"


def _behind(floor: Floor, service: str, door: str) -> list[str]:
    """The rooms named on the plan that a door leads to."""
    if door in LEVEL:
        return [door]
    return sorted(floor.reached(service, door, _nameless(floor)) & set(LEVEL))


def _nameless(floor: Floor) -> set[str]:
    return {room for _, room in floor.rooms} - set(LEVEL)


def _is_below(found: str, room: str) -> bool:
    return LEVEL[found] > LEVEL[room] or (LEVEL[found] == LEVEL[room] and {found, room} <= PURE)


def _pure_modules(modules: Sequence[Module]) -> Iterator[tuple[Module, str]]:
    """The files of the pure rooms, and of rooms not named on the plan that pure ones stand on."""
    floor = Floor(modules)
    nameless = _nameless(floor)
    for service in SERVICES:
        reached = set[str]().union(*(floor.reached(service, room, nameless) for room in PURE))
        for room in sorted(PURE | (reached & nameless)):
            yield from ((module, room) for module in floor.modules(service, room))


def _is_pure(found: Import, module: Module, room: str) -> bool:
    top = found.module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return not IMPURE_STANDARD.fullmatch(top)
    if top in PURE_LIBRARIES or any(found.reaches(allowed) for allowed in PURE_SHARED):
        return True
    own = f"services.{module.service}"
    # Projections name the tables they change. A room that the plan does not name is looked into instead.
    shut = set(LEVEL) - PURE - ({"tables"} if room == "projections" else set())
    return found.reaches(own) and found.full != own and not any(found.reaches(f"{own}.{other}") for other in shut)
