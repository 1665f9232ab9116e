"""`python -m shared.access.matrix`: writes the policy table into `docs/access.md`, as people read it."""

from pathlib import Path

from shared.access.policy import HOUSE_KEY, POLICY, Rule
from shared.access.principal import Role

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
BEGIN, END = "<!-- policy -->\n", "<!-- end of policy -->\n"
_HEADS = {
    Role.FRONT_DESK: "desk",
    Role.COORDINATOR: "coordinator",
    Role.PARTNER: "partner",
    Role.STATISTICS: "statistics",
    Role.DATA_PROTECTION: "data protection",
    Role.OPERATIONS: "operations",
}


def matrix() -> str:
    """Every route with who may call it."""
    lines = [
        f"| route | {' | '.join(_HEADS.values())} | |",
        f"|---|{'---|' * len(_HEADS)}---|",
    ]
    every = set.intersection(*(set(rules) for rules in POLICY.values()))
    lines += [_line("each", *route, POLICY["intake"][route]) for route in POLICY["intake"] if route in every]
    for service, rules in POLICY.items():
        lines += [_line(service, *route, rule) for route, rule in rules.items() if route not in every]
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """The page with the table of today."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + matrix() + END + rest.partition(END)[2]


def _line(service: str, method: str, template: str, rule: Rule) -> str:
    cells = [_cell(rule, role) for role in _HEADS]
    return f"| {service} `{method} {template}` | {' | '.join(cells)} | {_note(rule)} |"


def _cell(rule: Rule, role: Role) -> str:
    if rule.roles is not None and role not in rule.roles:
        return ""
    if rule.live and role is Role.STATISTICS:
        return "if decided"
    return "own" if rule.own and role is Role.PARTNER else "yes"


def _note(rule: Rule) -> str:
    if rule is HOUSE_KEY:
        return "with the key of the house"
    if rule.from_anywhere:
        return "whoever has the address"
    if rule.roles is None:
        return "everybody"
    if rule.unseen:
        return "to everybody else it is not there"
    return "always signed in" if rule.personal else ""


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
