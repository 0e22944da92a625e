"""A task's arguments taken apart as a reader would; nothing is evaluated, any text goes."""

from __future__ import annotations

import re
from typing import Final

_PAIR: Final = re.compile(r"'([^\W\d]\w*)': (.*)", re.DOTALL)
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSING: Final = frozenset(_BRACKETS.values())


def call(args: str, kwargs: str) -> list[str]:
    """``("(1, 'a')", "{'size': 2}")`` gives ``["1", "'a'", "size=2"]``.

    A text that was cut, or is no tuple or dict, gives what there is of it.
    """
    brackets = "[]" if args.lstrip().startswith("[") else "()"
    return _parts(args, brackets) + [_named(part) for part in _parts(kwargs, "{}")]


def _named(part: str) -> str:
    pair = _PAIR.match(part)
    return f"{pair[1]}={pair[2]}" if pair else part


def _parts(text: str, brackets: str) -> list[str]:
    text = text.strip()
    if not text or text == brackets:
        return []
    if not text.startswith(brackets[0]):
        return [text]
    inner = text[1:-1] if text.endswith(brackets[1]) else text[1:]
    return [part for part in (part.strip() for part in _split(inner)) if part]


def _split(text: str) -> list[str]:
    """At the commas that are in no brackets and no quotes."""
    found, begin, depth, quote, escaped = [], 0, 0, "", False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _BRACKETS:
            depth += 1
        elif char in _CLOSING:
            depth = max(depth - 1, 0)
        elif char == "," and depth == 0:
            found.append(text[begin:index])
            begin = index + 1
    return [*found, text[begin:]]
