"""Who may do what on the bus: one user for each service, and one for those who look after the house.

What a service says and hears stands here once (`NEEDS`); the rules of its user follow from it, and from what the
relay and the readers do with a topic. They are written as an ACL file, which Valkey and Redis 7.0 read at their start.

Only the standard library is needed, so that the file can be made before anything is installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

OPERATIONS = "operations"
"""Reads everything for `maison verify`, and asks the server how it is. It changes nothing."""


@dataclass(frozen=True)
class Needs:
    """What a service does on the bus: `tells` = it relays a log of its own, `queues` = and its partners' queues."""

    tells: bool = False
    queues: bool = False
    hears: tuple[str, ...] = ()


NEEDS: Mapping[str, Needs] = {
    "intake": Needs(tells=True, hears=("referral",)),
    "referral": Needs(tells=True, queues=True, hears=("intake",)),
    "stats": Needs(hears=("intake", "referral")),
}

USERS = (*NEEDS, OPERATIONS)

# `append.lua` and the report of a checkpoint are scripts. What is called in one is held against the same rules.
_FILLS = "+evalsha +xinfo|stream +xadd +del +xtrim +xrange"
_HEARS = "+xread +xinfo|stream"
_REPORTS = "+eval +hset +hdel"
# All but the first are how clients of a Cluster learn where a key lies.
_ALL = ("+ping", "+cluster|slots", "+asking", "+command")
_LOOKS = "+xrange +xinfo|stream"


def rules(user: str) -> tuple[str, ...]:
    """What a user may do, in the words of `ACL SETUSER`. Each bracket is a right of its own: nothing adds up."""
    if user == OPERATIONS:
        # These name no key; SCAN tells the names of keys and nothing of what they hold.
        alone = ("+info", "+acl|log", "+scan", "+multi", "+exec", "+discard")
        return (*_ALL, *alone, f"(%R~topic:* %R~queue:* {_LOOKS})", "(%R~checkpoints:* +hgetall)")
    needs = NEEDS[user]
    rights = [*_ALL]
    if needs.tells:
        rights += ["+script|load", f"(~topic:{user}:* {_FILLS})", f"(%R~checkpoints:{user}:* +hgetall)"]
    if needs.queues:
        rights += [f"(~queue:* {_FILLS})", f"(%R~queue:* {_HEARS})"]
    for topic in needs.hears:
        rights += [f"(%R~topic:{topic}:* {_HEARS})", f"(~checkpoints:{topic}:* {_REPORTS})"]
    return tuple(rights)


def acl_file(passwords: Mapping[str, str]) -> str:
    """The file for `aclfile`, one line a user; passwords stand in it as SHA-256 only.

    Long random passwords are meant: of a short one, the digest gives it away.
    """
    lines = ["user default off resetpass resetkeys resetchannels -@all"]
    for user in USERS:
        digest = sha256(passwords[user].encode()).hexdigest()
        lines.append(" ".join((f"user {user} on #{digest} resetkeys resetchannels -@all", *rules(user))))
    return "\n".join(lines) + "\n"
