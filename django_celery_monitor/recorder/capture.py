"""What is taken down at the moment of publishing; it must cost next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from celery import current_app
from celery.utils.saferepr import saferepr

from django_celery_monitor.recorder.arguments import payload_of
from django_celery_monitor.recorder.canvas import canvas_of
from django_celery_monitor.recorder.sender import variables

if TYPE_CHECKING:
    from celery import Celery

    from django_celery_monitor.conf import Settings

# As ``saferepr`` marks what it left out.
_LEFT_OUT: Final = "..."


class Captured(NamedTuple):
    """Nothing in it changes any more, or nobody looks at what does."""

    app: Celery
    time: float
    headers: dict[str, Any]
    # What the protocol's first version does not have in its headers.
    older: dict[str, Any] | None
    payload: str
    flaw: str
    canvas: str
    canvas_flaw: str
    exchange: Any
    routing_key: str
    properties: dict[str, Any]
    # What was declared for the message, its queue among it.
    declared: Any
    chord: dict[str, Any] | None
    origin: str


def capture(
    headers: dict[str, Any],
    body: Any,
    exchange: Any,
    routing_key: str,
    settings: Settings,
    origin: Callable[[], object] | None,
) -> Captured:
    """The first four: the arguments of ``after_task_publish``."""
    sent = variables()
    app = getattr(sent.get("default_evd"), "app", None) or _current_app()
    if type(body) is tuple:
        older, (args, kwargs, embed) = None, body
    else:
        older, args, kwargs, embed = _parts(body)
    about = older or headers
    serializer = _serializer(sent, app)
    limit, texts = settings.RECORD_MAX_PAYLOAD, f"{about.get('argsrepr')}{about.get('kwargsrepr')}"
    payload, flaw = payload_of(args, kwargs, serializer, limit, long=_LEFT_OUT in texts)
    return Captured(
        app,
        time.time(),
        headers,
        older,
        payload,
        flaw,
        *canvas_of(embed, serializer, limit),
        exchange,
        routing_key,
        sent.get("properties") or {},
        sent.get("declare"),
        embed.get("chord"),
        str(origin()) if origin else "",
    )


def _serializer(sent: Mapping[str, Any], app: Celery) -> Any:
    return sent.get("serializer") or sent.get("default_serializer") or app.conf.task_serializer


def _current_app() -> Celery:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def _parts(body: Any) -> tuple[dict[str, Any] | None, Any, Any, dict[str, Any]]:
    """Of a message of Celery's first protocol, with it as the headers of the second."""
    if not isinstance(body, dict):
        return None, *body
    args, kwargs = body["args"], body["kwargs"]
    texts = {"argsrepr": saferepr(args, 1024), "kwargsrepr": saferepr(kwargs, 1024)}
    return body | texts, args, kwargs, body
