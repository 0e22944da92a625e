"""One task to be sent, and how it goes to the broker."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from amqp.exceptions import NotFound
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu import Exchange, Queue
from kombu.utils.json import loads

from django_celery_monitor.control import canvas
from django_celery_monitor.control.errors import UnknownTargetError

if TYPE_CHECKING:
    from datetime import datetime

    from celery import Celery
    from kombu import Connection

# Of a task's type, what a message takes when nothing else is said.
_OF_TYPE: Final = ("queue", "exchange", "routing_key", "priority", "delivery_mode", "compression")
_LIMITS: Final = ("time_limit", "soft_time_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """``args`` and ``kwargs`` are plain JSON, in which kombu's tags stand for other types.

    Without ``queue`` and ``exchange`` the app routes it. ``as_type``: what is not given is as the
    task's type says; else it was not given when the task was first sent either.
    """

    name: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    priority: int | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    stamps: dict[str, Any] = field(default_factory=dict)
    time_limit: float | None = None
    soft_time_limit: float | None = None
    eta: datetime | None = None
    expires: datetime | None = None
    # The name that it shows in place of its own.
    shadow: str = ""
    # See ``control.canvas``.
    follows: dict[str, list[Any]] = field(default_factory=dict)
    as_type: bool = False


def values_of(message: Message) -> tuple[list[Any], dict[str, Any]]:
    """The arguments as the worker gets them; raises ``ValueError`` for tags that nobody reads."""
    args, kwargs = loads(json.dumps([message.args, message.kwargs]))
    return args, kwargs


def built(app: Celery, message: Message, task_id: str) -> tuple[Any, dict[str, Any]]:
    """Celery's own message, and the options it is published with."""
    options = _options(app, message)
    args, kwargs = values_of(message)
    limits = {name: options.pop(name, None) for name in _LIMITS}
    kind = _type(app, message.name)
    amqp: Any = app.amqp
    made = amqp.create_task_message(
        task_id,
        message.name,
        args,
        kwargs,
        eta=message.eta,
        expires=message.expires,
        ignore_result=bool(getattr(kind, "ignore_result", False)),
        create_sent_event=app.conf.task_send_sent_event,
        shadow=message.shadow or None,
        **limits,
        **canvas.values_of(canvas.renewed(message.follows, task_id)),
    )
    if message.stamps and made.headers:
        made.headers.update(stamps=message.stamps, stamped_headers=sorted(message.stamps))
    if not (message.queue or message.exchange):
        options = amqp.router.route(options, message.name, args, kwargs, kind)
    return made, options


def publish(app: Celery, connection: Connection, message: Message, task_id: str) -> None:
    """Send it once, over this connection; raises what the transport raises.

    Not by ``send_task``: with some result backends that subscribes to the result, which nobody here
    waits for.
    """
    made, options = built(app, message, task_id)
    amqp: Any = app.amqp
    producer = amqp.Producer(connection, auto_declare=False)
    amqp.send_task_message(producer, message.name, made, retry=False, serializer="json", **options)


def check_place(
    app: Celery, connection: Connection, message: Message, found: set[tuple[str, str]]
) -> None:
    """A broker that throws away what it has no place for is asked first, unless ``found`` has it.

    Raises ``UnknownTargetError``.
    """
    name = message.exchange or message.queue
    known = message.queue in app.amqp.queues or (message.exchange, name) in found
    if connection.transport.driver_type != "amqp" or known:
        return
    try:
        with connection.channel() as channel:
            if message.exchange:
                Exchange(message.exchange, channel=channel).declare(passive=True)
            elif message.queue:
                Queue(message.queue, channel=channel).queue_declare(passive=True)
    except NotFound as error:
        text = _("The broker has no queue or exchange %(name)s any more.")
        raise UnknownTargetError(text % {"name": name}) from error
    found.add((message.exchange, name))


def _options(app: Celery, message: Message) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if message.as_type:
        kind = _type(app, message.name)
        given = {name: getattr(kind, name, None) for name in (*_OF_TYPE, *_LIMITS)}
        options = {name: value for name, value in given.items() if value is not None}
    if message.queue or message.exchange:
        for name in ("queue", "exchange", "routing_key"):
            options.pop(name, None)
        options |= _place(app, message)
    for name in ("priority", *_LIMITS):
        if getattr(message, name) is not None:
            options[name] = getattr(message, name)
    if message.expires:
        options["expiration"] = max((message.expires - timezone.now()).total_seconds(), 0)
    if message.headers:
        options["headers"] = dict(message.headers)
    return options


def _place(app: Celery, message: Message) -> dict[str, Any]:
    name = message.queue
    known = app.amqp.queues[name] if name and name in app.amqp.queues else None
    if message.exchange:
        place: dict[str, Any] = {"exchange": message.exchange, "routing_key": message.routing_key}
        if known:
            return {**place, "queue": known}
        return {**place, "declare": []}
    if known:
        return {"queue": known}
    # Declared anew it would have to be as it is, and how that is only its workers know.
    return {"queue": Queue(name, Exchange(""), routing_key=name), "declare": []}


def _type(app: Celery, name: str) -> Any:
    return app.tasks.get(name)
