"""Crash points: named places where a test may have this process killed, as by a power cut.

`MAISON_CRASH_AT="relay.before-publish:3"` kills the process with SIGKILL when it reaches that point for the
third time. Without the variable a failpoint costs one comparison.
"""

import os
import signal

# Every durable step of the house. A test enumerates these names, so a new step must be listed to be reached.
FAILPOINTS = (
    "append.before-commit",
    "append.after-commit",
    "intake.before-answer",
    "vault.before-append",
    "vault.before-confirm",
    "vault.before-shred",
    "relay.before-publish",
    "relay.after-publish",
    "queue.before-publish",
    "subscription.before-effects",
    "subscription.before-checkpoint",
    "subscription.before-commit",
    "subscription.after-commit",
    "relay.before-restart",
    "relay.before-trim",
    "dead-letter.before-commit",
    "dead-letter.after-commit",
    "replay.before-commit",
    "replay.after-commit",
    "rebuild.before-commit",
    "rebuild.after-commit",
    "timer.before-step",
    "timer.after-step",
)

VARIABLE = "MAISON_CRASH_AT"

_target = ""
_hits_left = 0


def arm(instruction: str) -> None:
    """Set where this process is to die: `name:hit`, or nothing."""
    global _target, _hits_left
    _target, _, hit = instruction.partition(":")
    _hits_left = int(hit or 1)


def failpoint(name: str) -> None:
    """Die here, at once and without cleaning up, if the environment asked for it."""
    if _target and name == _target:
        _count_down()


def _count_down() -> None:
    global _hits_left
    _hits_left -= 1
    if _hits_left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get(VARIABLE, ""))
