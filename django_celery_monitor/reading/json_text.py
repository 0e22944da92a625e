"""JSON as values and back, digit for digit."""

from __future__ import annotations

import json
from typing import Any


class Exact(float):
    """A number as it was written: ``1.10`` stays that, and ``1e400`` is not infinite."""

    def __new__(cls, text: str) -> Exact:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


class Huge(Exact):
    """An integer that Python refuses to read: it has thousands of digits."""

    def __new__(cls, text: str) -> Huge:
        number = float.__new__(cls, "inf")
        number.text = text
        return number


def parsed(text: Any) -> Any:
    """What ``text`` says in JSON; what is none stays what it is."""
    if not isinstance(text, str | bytes):
        return text
    try:
        return json.loads(text, parse_float=Exact, parse_int=_integer)
    except (ValueError, RecursionError):
        return text


def _integer(text: str) -> int | Huge:
    try:
        return int(text)
    except ValueError:
        return Huge(text)


def written(value: Any) -> str:
    """One value without what it holds; ``NaN`` and dates as people write them."""
    if isinstance(value, Exact):
        return value.text
    plain = isinstance(value, bool | str | int | float) or value is None
    text = json.dumps(value if plain else str(value), ensure_ascii=False)
    # JSON can name half a character, which no page can hold.
    return text.encode(errors="backslashreplace").decode()
