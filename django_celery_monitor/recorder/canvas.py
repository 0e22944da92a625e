"""What follows a task, callbacks and the rest of its chain, as kombu's JSON if that says it whole.

Most tasks have nothing of the kind, and pay nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kombu.utils.json import JSONEncoder

from django_celery_monitor.recorder.arguments import CUT, SERIALIZER

_FOLLOWING: Final = ("callbacks", "errbacks", "chain")
# They hold arguments of another task where no signature tells what they are.
_SPREAD: Final = frozenset({"celery.map", "celery.starmap", "celery.chunks"})
_encode: Final = JSONEncoder().encode


def canvas_of(embed: Mapping[str, Any], serializer: str, limit: int) -> tuple[str, str]:
    """Its text and its flaw; both empty where nothing follows."""
    if not (embed.get("callbacks") or embed.get("errbacks") or embed.get("chain")):
        return "", ""
    found = {name: embed[name] for name in _FOLLOWING if embed.get(name)}
    if serializer != "json":
        return "", SERIALIZER
    try:
        text = _encode(found)
    # Then Celery cannot send it either, and says so.
    except (TypeError, ValueError, RecursionError):
        return "", SERIALIZER
    return (text, "") if len(text) <= limit else ("", CUT)


def any_signature(value: Any, is_secret: Callable[[str, list[Any], Any], bool]) -> bool:
    """Whether any, at any depth, ``is_secret`` by its name and arguments."""
    if isinstance(value, list):
        return any(any_signature(each, is_secret) for each in value)
    if not isinstance(value, dict):
        return False
    name, args = value.get("task"), value.get("args")
    if name in _SPREAD:
        return True
    one = (name, args) if isinstance(name, str) and isinstance(args, list) else None
    if one and is_secret(*one, value.get("kwargs")):
        return True
    return any(any_signature(each, is_secret) for each in value.values())
