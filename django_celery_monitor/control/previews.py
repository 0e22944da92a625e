"""What would be sent, as people may see it before they send it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pprint import pformat
from typing import TYPE_CHECKING, Any, Final

from kombu.utils.json import loads

from django_celery_monitor.celery_app import find_app, load_tasks
from django_celery_monitor.control import canvas, signatures
from django_celery_monitor.control import message as messages
from django_celery_monitor.control.cautions import Caution, cautions
from django_celery_monitor.control.drafts import shown
from django_celery_monitor.control.message import Message
from django_celery_monitor.control.redaction import redactor
from django_celery_monitor.control.sending_tasks import Plan, find_whole
from django_celery_monitor.control.whole import Reason, Whole
from django_celery_monitor.models import WorkerReply

if TYPE_CHECKING:
    from django_celery_monitor.models import Task

OPTIONS: Final = (
    *("queue", "exchange", "routing_key", "priority", "eta", "expires"),
    *("time_limit", "soft_time_limit", "headers", "stamps", "shadow"),
)
_WIDTH: Final = 64
# Task types to choose from.
NAMES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """``values``: arguments and options by name, masked; ``call``: the same as code."""

    values: dict[str, Any]
    call: str
    wire: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Whether a task can be run again: ``whole``, or the ``reason`` why not."""

    whole: Whole | None
    reason: Reason | None
    cautions: list[Caution]
    # Names of tasks that run after it, in their order.
    follows: list[str]
    preview: Preview | None


def offer(task: Task) -> Offer:
    app = find_app()
    load_tasks(app)
    found = find_whole(app, task)
    if isinstance(found, Reason):
        thought = cautions(app, task)
        return Offer(whole=None, reason=found, cautions=thought, follows=[], preview=None)
    plan = Plan(message=found.message, new_id="…")
    return Offer(
        whole=found,
        reason=None,
        cautions=cautions(app, task),
        follows=canvas.names(found.message.follows),
        preview=preview(plan),
    )


def preview(plan: Plan) -> Preview:
    app, message = find_app(), plan.message
    masks = redactor(app)
    args, kwargs = shown(masks, message.name, message.args, message.kwargs)
    made, options = messages.built(app, message, plan.new_id)
    wire = {
        "exchange": _name(options.get("exchange")),
        "routing_key": options.get("routing_key") or _name(options.get("queue")),
        "headers": masks.value({**made.headers, **message.headers}),
        "properties": {**made.properties, "priority": options.get("priority")},
        "body": [args, kwargs, masks.value(made.body[2] if isinstance(made.body, tuple) else {})],
    }
    for name, value in (("argsrepr", args), ("kwargsrepr", kwargs)):
        if name in wire["headers"]:
            wire["headers"][name] = repr(value)
    values = {"args": args, "kwargs": kwargs, **_options(message)}
    values = masks.value(values) | {"args": args}
    return Preview(
        values=values,
        call=_call(message.name, values),
        wire=json.loads(json.dumps(wire, default=str)),
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Lines with their signs: "-", "+" or a blank; nothing where both are the same."""
    if before == after:
        return []
    lines: Sequence[str] = list(difflib.ndiff(_lines(before), _lines(after)))
    return [(line[0], line[2:]) for line in lines if not line.startswith("?")]


def names() -> list[str]:
    """Task types that this process knows or a worker registered."""
    app = find_app()
    load_tasks(app)
    rows = WorkerReply.objects.filter(part=WorkerReply.Part.REGISTERED)
    contents: Any = rows.values_list("content", flat=True).order_by("-told_at")[:20]
    told = {str(each.get("name")) for content in contents for each in content}
    known = {name for name in (*app.tasks, *told) if not name.startswith("celery.")}
    return sorted(known)[:NAMES]


def described(name: str) -> tuple[str, str]:
    """Signature and purpose of a task type, as far as this process knows them."""
    app = find_app()
    return signatures.signature(app, name), signatures.description(app, name)


def _options(message: Message) -> dict[str, Any]:
    found = {name: getattr(message, name) for name in OPTIONS}
    given = {name: value for name, value in found.items() if value not in (None, "", {})}
    times = {name: given[name].isoformat() for name in ("eta", "expires") if name in given}
    whole = {
        name: int(value)
        for name, value in given.items()
        if isinstance(value, float) and value.is_integer()
    }
    return given | times | whole


def _call(name: str, values: Mapping[str, Any]) -> str:
    parts = {key: loads(json.dumps(value)) for key, value in values.items()}
    inside = "\n".join(_given(key, value) for key, value in parts.items() if value not in ([], {}))
    return f"{name.rpartition('.')[2]}.apply_async(\n{inside}\n)" if inside else f"{name}.delay()"


def _given(key: str, value: Any) -> str:
    text = pformat(value, width=_WIDTH, sort_dicts=False).replace("\n", "\n" + " " * (len(key) + 5))
    return f"    {key}={text},"


def _lines(values: Mapping[str, Any]) -> list[str]:
    return json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True).splitlines()


def _name(place: Any) -> str:
    return str(getattr(place, "name", place) or "")
