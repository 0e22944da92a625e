"""What went wrong, where a worker tells it in a wrapper; the text is that which others send."""

from __future__ import annotations

import re
from typing import Final

# The worker could not get the error from its child, and only the traceback names it.
WRAPPED: Final = "ExceptionWithTraceback()"
_RAISED: Final = re.compile(r"^(?:[\w.]+\.)?(\w+)(?:: (.*))?$", re.DOTALL)
_REJECTED: Final = re.compile(r"^celery\.exceptions\.Reject: \((['\"]?)(.*)\1, (True|False)\)$")
# The pools threads and solo tell the wrapper of a retry's cause, with its delay or time.
_RETRIED: Final = re.compile(
    r"^Retry\(Retry\(\.\.\.\), (.+), (?:[\d.e+-]+|None|datetime\.datetime\(.*\))\)$", re.DOTALL
)


def cause_of_retry(exception: str) -> str:
    found = _RETRIED.match(exception)
    return found[1] if found else exception


def last_raised(traceback: str) -> str:
    """The exception in a traceback's last line, written as Python would write it."""
    lines = [line for line in traceback.rstrip().splitlines() if line and not line.startswith(" ")]
    if not lines:
        return WRAPPED
    if rejected := _REJECTED.match(lines[-1]):
        return f"reject requeue={rejected[3]}: {rejected[2]}"
    found = _RAISED.match(lines[-1])
    return f"{found[1]}({found[2] or ''!r})" if found else WRAPPED
