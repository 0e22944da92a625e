"""What follows a task that is sent again: its callbacks, and the rest of its chain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from django.utils.translation import gettext as _
from kombu.utils.json import loads

Follows = dict[str, list[Any]]

_KINDS: Final = ("callbacks", "errbacks", "chain")
_OWN_IDS: Final = ("task_id", "group_id")
_IDS: Final = frozenset({*_OWN_IDS, "root_id", "parent_id"})


def follows(told: Mapping[str, Any], *, recorded: bool) -> tuple[Follows, list[str]]:
    """As plain JSON, and what of it is not sent again, in sentences."""
    if not recorded:
        text = _(
            "Whether it has callbacks or is part of a chain is not known: they do not run again."
        )
        return {}, [text]
    found = _read(told.get("canvas"))
    if found is None or told.get("canvas_flaw"):
        text = _(
            "Its callbacks and the rest of its chain do not run again: they are too long, hold what"
            " is secret, or are no JSON."
        )
        return {}, [text]
    # Counted as a member twice, a chord would run its body too early, or twice.
    members = [each for some in found.values() for each in some if _leave(each)]
    text = _("The chord that its chain is part of does not get what the chain returns now.")
    return found, [text] if members else []


def names(found: Follows) -> list[str]:
    """Of the tasks that run after it succeeded, in their order."""
    after = [*found.get("callbacks", ()), *reversed(found.get("chain", ()))]
    return [str(each["task"]) for each in after]


def renewed(found: Follows, task_id: str) -> Follows:
    """With ids that follow from ``task_id`` throughout: what ran before has those that it had."""
    new = {each: str(uuid5(NAMESPACE_OID, f"{task_id} {each}")) for each in _ids(found)}
    renamed: Follows = _renamed(found, new)
    return renamed


def values_of(found: Follows) -> Follows:
    """As a worker gets them."""
    made: Follows = loads(json.dumps(found))
    return made


def _read(text: Any) -> Follows | None:
    """``None`` where it is not what the recorder writes."""
    try:
        found = json.loads(text) if text else {}
        loads(text or "{}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(found, dict) or not set(found).issubset(_KINDS):
        return None
    whole = all(isinstance(some, list) and all(map(_is_one, some)) for some in found.values())
    return found if whole else None


def _is_one(each: Any) -> bool:
    return (
        isinstance(each, dict)
        and isinstance(each.get("task"), str)
        and isinstance(each.get("options", {}), dict)
    )


def _leave(signature: dict[str, Any]) -> bool:
    """Whether it was a member of a chord, which it is no more."""
    options = signature.get("options", {})
    if "chord" not in options:
        return False
    for name in ("chord", "group_id", "group_index"):
        options.pop(name, None)
    return True


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _ids(each)
    elif isinstance(value, dict):
        options = value.get("options")
        if isinstance(options, dict):
            yield from (options[name] for name in _OWN_IDS if isinstance(options.get(name), str))
        for each in value.values():
            yield from _ids(each)


def _renamed(value: Any, new: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, new) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: new.get(each, each) if key in _IDS and isinstance(each, str) else _renamed(each, new)
        for key, each in value.items()
    }
