"""Every regular expression of ours ends in time: none repeats without bound what repeats without bound itself.

`(a+)+` takes twice as long with each letter that is sent; where there is no repeat inside a repeat, that cannot be.
"""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

# What `re` is made of has no name in public, and nobody else reads an expression as it does.
kinds, parser = import_module("re._constants"), import_module("re._parser")
ROOT = Path(__file__).parents[2]
MANY = 1_000
"""More repeats than this are as good as endless; a bounded few inside one another still end."""
CALLS = {"compile", "match", "fullmatch", "search", "sub", "findall", "split"}
REPEATS = (kinds.MAX_REPEAT, kinds.MIN_REPEAT)


def written() -> Iterator[tuple[str, str]]:
    """(where, expression) of what is handed to `re`, as it stands in the code.

    The patterns of forms end anyhow: pydantic's own reader of them takes one step a letter.
    """
    for top in ("services", "shared"):
        for file in sorted((ROOT / top).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    for value in handed_over(node):
                        if isinstance(value, ast.Constant) and isinstance(value.value, str):
                            yield f"{file.relative_to(ROOT)}:{value.lineno}", value.value


def handed_over(call: ast.Call) -> list[ast.expr]:
    function = call.func
    of = function.value if isinstance(function, ast.Attribute) and function.attr in CALLS else None
    return call.args[:1] if isinstance(of, ast.Name) and of.id == "re" else []


def nests(parsed: Any, inside: bool = False) -> bool:
    """Whether something that repeats without bound repeats without bound."""
    for kind, value in parsed:
        if kind in REPEATS:
            endless = value[1] is kinds.MAXREPEAT or value[1] > MANY
            if (endless and inside) or nests(value[2], inside or (endless and not is_parted(value[2]))):
                return True
        elif kind is kinds.BRANCH:
            if any(nests(branch, inside) for branch in value[1]):
                return True
        elif kind is kinds.SUBPATTERN and nests(value[3], inside):
            return True
    return False


def is_parted(body: Any) -> bool:
    """Whether each round begins with a letter that nothing else in it takes, as in `(-[a-z]+)*`: it can end one way."""
    items = list(body)
    if len(items) == 1 and items[0][0] is kinds.SUBPATTERN:
        items = list(items[0][1][3])
    first = items[0][1] if items[0][0] is kinds.IN else items[:1]
    if any(kind is not kinds.LITERAL for kind, _ in first):
        return False
    # What comes at most a few times cannot hold many rounds.
    endless = [item for item in items[1:] if item[0] not in REPEATS or item[1][1] is kinds.MAXREPEAT]
    return not any(takes(item, letter) for item in endless for _, letter in first)


def takes(item: Any, letter: int) -> bool:
    """Whether this part of an expression may take that letter."""
    kind, value = item
    if kind in REPEATS:
        return any(takes(one, letter) for one in value[2])
    if kind is kinds.LITERAL:
        return bool(value == letter)
    if kind is kinds.RANGE:
        return bool(value[0] <= letter <= value[1])
    if kind is kinds.IN and value[0][0] is not kinds.NEGATE:
        return any(takes(one, letter) for one in value)
    return True


EXPRESSIONS = dict(written())


def test_expressions_are_found() -> None:
    assert len(EXPRESSIONS) > 10


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_no_repeat_stands_in_a_repeat(where: str) -> None:
    assert not nests(parser.parse(EXPRESSIONS[where])), EXPRESSIONS[where]


@pytest.mark.parametrize("planted", [r"(a+)+b", r"(?:x*)*", r"((a|b+)c?)*", r"(\w+\s?)+$", r"(a{2,})+"])
def test_one_that_does_is_found(planted: str) -> None:
    assert nests(parser.parse(planted))
    re.compile(planted)
