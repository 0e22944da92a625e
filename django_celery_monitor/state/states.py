"""The names of states, and the few groups that people think in."""

from __future__ import annotations

from typing import Final

PENDING: Final = "PENDING"
RECEIVED: Final = "RECEIVED"
STARTED: Final = "STARTED"
RETRY: Final = "RETRY"
SUCCESS: Final = "SUCCESS"
FAILURE: Final = "FAILURE"
REVOKED: Final = "REVOKED"
REJECTED: Final = "REJECTED"
# Nobody reports these two: its worker is gone, or has it no longer and never told its end.
LOST: Final = "LOST"
IGNORED: Final = "IGNORED"

# Any other state is an app's own, which it reports while a task runs.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "waiting": (PENDING, RECEIVED),
    "running": (STARTED,),
    "retrying": (RETRY,),
    "succeeded": (SUCCESS,),
    "failed": (FAILURE, REJECTED),
    # Neither succeeded nor failed, and not for want of a worker.
    "revoked": (REVOKED, IGNORED),
    "lost": (LOST,),
}
GROUP_OF: Final = {state: group for group, states in GROUPS.items() for state in states}


def group(state: str) -> str:
    """The group of a state; an app's own state counts as running."""
    return GROUP_OF.get(state, "running")
