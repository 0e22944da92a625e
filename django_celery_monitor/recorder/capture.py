"""What is taken down at the moment of publishing; it must cost next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from celery.utils.saferepr import saferepr
from kombu import Queue

from django_celery_monitor.recorder.arguments import REDACTED, payload_of
from django_celery_monitor.recorder.sender import sender

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.conf import Settings

PERIODIC: Final = "periodic_task_name"
# As ``saferepr`` marks what it left out.
_LEFT_OUT: Final = "..."


class Captured(NamedTuple):
    app: Celery
    # The message's own, so that the publishing is known again when it is done.
    headers: dict[str, Any]
    # What the protocol's first version does not have in its headers.
    older: dict[str, Any]
    time: float
    payload: str
    flaw: str
    queue: str
    exchange: Any
    routing_key: str
    priority: int | None
    periodic_name: str
    chord: Any
    origin: str


def capture(
    told: dict[str, Any], settings: Settings, origin: Callable[[], object] | None
) -> Captured:
    """``told``: the arguments of ``before_task_publish``."""
    headers, properties, body = told["headers"], told["properties"], told["body"]
    app, serializer = sender()
    older = {} if isinstance(body, tuple | list) else _older(body)
    args, kwargs, embed = (body["args"], body["kwargs"], body) if older else body
    about = older or headers
    if properties.get("argsrepr") or properties.get("kwargsrepr"):
        # Who wrote these texts did not want the values to be seen.
        payload, flaw = "", REDACTED
    else:
        texts = f"{about.get('argsrepr')}{about.get('kwargsrepr')}"
        long = _LEFT_OUT in texts
        payload, flaw = payload_of(args, kwargs, serializer, settings.RECORD_MAX_PAYLOAD, long=long)
    exchange, routing_key = told["exchange"], told["routing_key"]
    return Captured(
        app,
        headers,
        older,
        time.time(),
        payload,
        flaw,
        _queue(told["declare"], exchange, routing_key),
        exchange,
        routing_key,
        properties.get("priority"),
        headers.get(PERIODIC) or properties.get(PERIODIC) or "",
        _chord(embed.get("chord")),
        str(origin()) if origin else "",
    )


def _older(body: dict[str, Any]) -> dict[str, Any]:
    """A message of Celery's first protocol, as the headers of the second."""
    return body | {
        "argsrepr": saferepr(body["args"], 1024),
        "kwargsrepr": saferepr(body["kwargs"], 1024),
    }


def _queue(declare: Any, exchange: Any, routing_key: str) -> str:
    if exchange == "":
        return routing_key
    return next((each.name for each in declare or () if isinstance(each, Queue)), "")


def _chord(body: Any) -> dict[str, Any] | None:
    """Of a chord's member: the task that runs after all of them."""
    if not body:
        return None
    return {"task": body.get("task"), "id": (body.get("options") or {}).get("task_id")}
