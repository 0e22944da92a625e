"""What may enter: the one place that judges input. Later stages trust what they get."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from sys import intern
from typing import Any, Final

import orjson

from django_celery_monitor.events import BadEventError

MAX_ID: Final = 255
# Celery 1.0 is of 2009; what is older has no clock.
EARLIEST: Final = datetime(2009, 1, 1, tzinfo=UTC).timestamp()
DAY: Final = 86_400.0
# Of the year 2096: what is later is no time that someone waits for.
_LATEST: Final = 4e9
_MAX_INTEGER: Final = 2**63


def load(body: bytes) -> list[Any]:
    """The events of one message: workers send single ones and lists.

    Raises ``BadEventError`` for what is not JSON.
    """
    try:
        found = orjson.loads(body)
        if b"\\u0000" in body:
            found = scrub(found)
    except orjson.JSONDecodeError:
        found = _load_leniently(body)
    except RecursionError as error:
        raise BadEventError("nested too deep") from error
    return found if isinstance(found, list) else [found]


def _load_leniently(body: bytes) -> Any:
    """What orjson refuses but Python wrote: NaN, big integers, lone surrogates."""
    try:
        return scrub(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise BadEventError(f"not JSON: {error}"[:200]) from error


def scrub(value: Any) -> Any:
    """Without what databases or JSON refuse; numbers out of range become text."""
    if isinstance(value, str):
        return value.replace("\0", "�").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {scrub(str(key)): scrub(item) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER:
        return str(value)
    return value


def identifier(value: object, what: str) -> str:
    """A text that is not empty and fits its column."""
    if type(value) is str and 0 < len(value) <= MAX_ID:
        return value
    if not isinstance(value, str) or not value:
        raise BadEventError(f"no {what}")
    if len(value) > MAX_ID:
        raise BadEventError(f"{what} longer than {MAX_ID} characters")
    return value


def timestamp(value: object, arrived: float) -> float:
    """Seconds since the epoch, between 2009 and a day after the arrival."""
    if type(value) is float and EARLIEST <= value <= arrived + DAY:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadEventError("no timestamp")
    if not EARLIEST <= value <= arrived + DAY:
        raise BadEventError("timestamp before 2009 or more than a day ahead")
    return float(value)


def integer(value: object) -> int:
    """A number that a 64-bit column holds; 0 for anything else."""
    return value if type(value) is int and 0 <= value < _MAX_INTEGER else 0


def moment(value: object) -> float | None:
    """An ISO 8601 time as seconds since the epoch; ``None`` when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 < value < _LATEST else None
    try:
        found = datetime.fromisoformat(str(value))
        seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < _LATEST else None


def name(value: object) -> str | None:
    """As ``short_text``, of which there are few: one object for each."""
    text = short_text(value)
    return None if text is None else intern(text)


def short_text(value: object) -> str | None:
    """A name that fits its column; ``None`` of what cannot be one."""
    if type(value) is str:
        return value if len(value) <= MAX_ID else value[:MAX_ID]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:MAX_ID]


def cut(text: str, limit: int, size: int = 0) -> str:
    """``text``, or its beginning and a mark of how long it was, or ``size`` if that is given."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({size or len(text):,} characters)"
