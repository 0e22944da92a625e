"""Values as code to look at: pieces of text, each with what it is, for colours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

WIDTH: Final = 88
INDENT: Final = "    "
# Nested deeper, a value is said in one line.
DEEPEST: Final = 24
_TOKEN: Final = re.compile(
    r"""(?P<string>[bru]?'(?:[^'\\\n]|\\.)*'|[bru]?"(?:[^"\\\n]|\\.)*")"""
    r"|(?P<number>(?<![\w.])-?\d[\w.]*)"
    r"|(?P<constant>\b(?:None|True|False|null|true|false|NaN|Infinity)\b)"
    r"|(?P<name>\b[^\W\d]\w*(?==))"
    r"|(?P<masked>•{3,})"
)


class Piece(NamedTuple):
    """``kind``: string, number, constant, name, masked; empty for what joins them."""

    kind: str
    text: str


class Number(str):
    """A number as it was written, exact whatever its size."""


def pieces(text: str) -> list[Piece]:
    """Any text, coloured as Python's and JSON's values are; joined it is the text again."""
    found, end = [], 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            found.append(Piece("", text[end : match.start()]))
        found.append(Piece(match.lastgroup or "", match[0]))
        end = match.end()
    if end < len(text):
        found.append(Piece("", text[end:]))
    return found


def load(text: str) -> Any:
    """JSON with its numbers as they are written; raises ``ValueError`` when it is none."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def call_of(name: str, payload: str) -> str | None:
    """``[args, kwargs]`` in kombu's JSON as the call that it was; ``None`` when it is neither."""
    try:
        args, kwargs = load(payload)
        parts = [_value(each, 1) for each in args]
        parts += [f"{key}={_value(each, 1)}" for key, each in kwargs.items()]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return _call(name, parts)


def _call(name: str, parts: list[str]) -> str:
    if not parts:
        return f"{name}()"
    inner = "".join(f"{INDENT}{part},\n" for part in parts)
    return f"{name}(\n{inner})"


def _value(value: Any, depth: int) -> str:
    short = _flat(value)
    if len(short) + len(INDENT) * depth <= WIDTH or depth >= DEEPEST:
        return short
    if isinstance(value, list):
        return _block("[", (_value(each, depth + 1) for each in value), "]", depth)
    if isinstance(value, dict) and not _is_tagged(value):
        items = (f"{_flat(key)}: {_value(each, depth + 1)}" for key, each in value.items())
        return _block("{", items, "}", depth)
    return short


def _block(begin: str, items: Iterator[str], end: str, depth: int) -> str:
    lines = [f"{INDENT * (depth + 1)}{item}," for item in items]
    return "\n".join([begin, *lines, f"{INDENT * depth}{end}"])


def _flat(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    if isinstance(value, dict):
        if _is_tagged(value):
            return f"{value['__type__']}({_flat(_plain(value['__value__']))})"
        return f"{{{', '.join(f'{_flat(key)}: {_flat(each)}' for key, each in value.items())}}}"
    return repr(value)


def _plain(value: Any) -> Any:
    """A UUID's digits come in a dict of their own."""
    return value["hex"] if isinstance(value, dict) and value.keys() == {"hex"} else value


def _is_tagged(value: dict[str, Any]) -> bool:
    """As kombu writes what JSON has no type for: ``{"__type__": "uuid", "__value__": ...}``."""
    kind = value.get("__type__")
    known = isinstance(kind, str) and kind.isidentifier()
    return known and value.keys() == {"__type__", "__value__"}
