"""The message of a task as it was first sent, as far as that is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from django_celery_monitor.control import canvas
from django_celery_monitor.control.message import Message
from django_celery_monitor.ingest.redact import MASK

# Where tasks with an ETA wait on quorum queues; what stands there is no place to send to.
_DELAYED: Final = "celery_delayed"


def original(
    name: str,
    values: tuple[list[Any], dict[str, Any]],
    told: Mapping[str, Any],
    now: datetime,
    *,
    recorded: bool = True,
) -> tuple[Message, tuple[str, ...]]:
    """With what of it is not sent again, in sentences; ``told``: by who sent it."""
    after, unknown = canvas.follows(told, recorded=recorded)
    if not recorded:
        unknown.append(_("Priority, headers, time limits and stamps are not known."))
    queue, exchange, routing_key = _place(told)
    if not (queue or exchange):
        unknown.append(_("Its queue is not known: it goes where such tasks go today."))
    hard, soft = (*(told.get("timelimit") or ()), None, None)[:2]
    message = Message(
        name=name,
        args=values[0],
        kwargs=values[1],
        queue=queue,
        exchange=exchange,
        routing_key=routing_key,
        priority=told.get("priority"),
        headers=_kept(told, "headers", unknown),
        stamps=_kept(told, "stamps", unknown),
        time_limit=_seconds(hard),
        soft_time_limit=_seconds(soft),
        eta=_future(told, "eta", now, unknown),
        expires=_future(told, "expires", now, unknown),
        as_type=not recorded,
        follows=after,
        shadow=str(told.get("shadow") or ""),
    )
    return message, tuple(unknown)


def is_masked(value: Any) -> bool:
    """Whether something that was masked stands anywhere in a JSON value."""
    if isinstance(value, Mapping):
        return any(is_masked(key) or is_masked(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(is_masked(item) for item in value)
    return isinstance(value, str) and MASK in value


def _place(told: Mapping[str, Any]) -> tuple[str, str, str]:
    """Queue, exchange and routing key of a message that was sent."""
    queue, exchange = str(told.get("queue") or ""), str(told.get("exchange") or "")
    if exchange.startswith(_DELAYED):
        return "", "", ""
    return queue, exchange, str(told.get("routing_key") or queue) if exchange else ""


def _kept(told: Mapping[str, Any], field: str, unknown: list[str]) -> dict[str, Any]:
    given = told.get(field)
    found = given if isinstance(given, dict) else {}
    masked = sorted(key for key, value in found.items() if is_masked([key, value]))
    if masked:
        text = _("Not sent, since they are not kept: %(names)s.")
        unknown.append(text % {"names": ", ".join(masked)})
    return {key: value for key, value in found.items() if key not in masked}


def _seconds(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and value > 0 else None


def _future(
    told: Mapping[str, Any], field: str, now: datetime, unknown: list[str]
) -> datetime | None:
    """A moment that is over would throw the task away, or means now."""
    value = told.get(field)
    moment = _moment(value)
    if moment is not None and moment > now:
        return moment
    if moment is not None and field == "expires":
        unknown.append(_("It had expired by now, so it is sent without that."))
    return None


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
