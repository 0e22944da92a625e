"""What can be done to what a page shows: links to forms, or why not."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import get_policy
from django_celery_monitor.access.who import Right, right_to
from django_celery_monitor.control.acts.abort import deaf
from django_celery_monitor.control.acts.broadcast import Broadcast
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.models import Task
from django_celery_monitor.state.states import group
from django_celery_monitor.views import addresses

ENDED = frozenset({"succeeded", "failed", "revoked", "lost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """``reason``: why not; empty where the reader may."""

    act: str
    label: str
    hint: str
    url: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Of an act, what is the same whatever it is done to."""

    label: str
    hint: str
    url: str
    unable: str


class Offers:
    """Of one page, on one task or worker; each right is looked up once.

    ``closed``: why nothing can be done to it at all; ``pool``: of the worker.
    """

    def __init__(
        self, request: HttpRequest, obj: object = None, *, pool: str = "", closed: str = ""
    ) -> None:
        self._request, self._obj = request, obj
        self._pool, self._closed = pool, closed
        self._next = request.get_full_path()
        self._known: dict[str, _Known] = {}
        self._rights: dict[str, Right] = {}
        # Whatever it is to be done to.
        self._alike: dict[str, Right] = {}

    def of(self, name: str, *, label: str = "", closed: str = "", **given: Any) -> Offer:
        known = self._known.get(name) or self._learnt(name)
        right = self._right(ACTS[name].codename)
        nameless = "" if all(given.values()) else _("It has no name.")
        given = {name: value or "" for name, value in given.items()}
        given = {**given, "next": self._next}
        # What can be run again has an address of its own.
        url = known.url or addresses.of_task(given.pop("id"), "celery_monitor:retry")
        return Offer(
            act=name,
            label=label or known.label,
            hint=known.hint,
            url=f"{url}?{urlencode(given, doseq=True)}",
            reason=right.reason or closed or self._closed or known.unable or nameless,
        )

    def on(self, obj: object) -> Offers:
        """For one of many, which share what is the same for all."""
        other = copy(self)
        other._obj, other._rights = obj, {}
        return other

    def _learnt(self, name: str) -> _Known:
        act = ACTS[name]
        self._known[name] = _Known(
            label=str(act.label),
            hint=str(act.help),
            url=_form_of(name),
            unable=act.unable(self._pool) if isinstance(act, Broadcast) else "",
        )
        return self._known[name]

    def _right(self, codename: str) -> Right:
        if codename in self._alike:
            return self._alike[codename]
        if codename not in self._rights:
            self._rights[codename] = right_to(self._request.user, codename, self._obj)
            policy = get_policy()
            if not (policy.looks_at_objects and policy.can(self._request.user, codename)):
                self._alike[codename] = self._rights[codename]
        return self._rights[codename]


def _form_of(name: str) -> str:
    """The address of an act's form; empty where each task has its own."""
    forms = {"retry": "", "send": addresses.address("celery_monitor:send")}
    return forms[name] if name in forms else addresses.address("celery_monitor:act", name)


def has_ended(task: Task) -> bool:
    return group(task.state) in ENDED and not task.running_again


def of_task(request: HttpRequest, task: Task) -> list[Offer]:
    offers, state = Offers(request, task), group(task.state)
    ended = _("It has ended.") if has_ended(task) else ""
    idle = "" if state == "running" or task.running_again else _("It is not running.")
    return [
        offers.of("retry", id=task.id),
        offers.of("revoke", closed=ended, ids=task.id),
        offers.of("terminate", closed=ended or idle, ids=task.id),
        offers.of("abort", closed=ended or deaf(task.name), ids=task.id),
    ]


def of_row(offers: Offers, task: Task) -> Offer | None:
    if not has_ended(task):
        return offers.on(task).of("revoke", ids=task.id)
    return None if group(task.state) == "succeeded" else offers.on(task).of("retry", id=task.id)


def of_worker(
    request: HttpRequest, worker: Any, pool: str, gone: str
) -> list[tuple[str, list[Offer]]]:
    """In groups, each with its heading; ``gone``: why it cannot be told anything."""
    offers = Offers(request, worker, pool=pool, closed=gone)

    def each(*names: str) -> list[Offer]:
        return [offers.of(name, workers=worker.hostname) for name in names]

    return [
        (_("Pool"), each("pool_grow", "pool_shrink", "autoscale", "pool_restart")),
        (_("Queues"), each("add_consumer", "cancel_consumer")),
        (_("Task types"), each("rate_limit", "time_limit")),
        (_("Events"), each("enable_events", "disable_events", "heartbeat")),
        (_("Ask"), each("ping", "clock", "report", "memsample", "memdump", "objgraph")),
        (_("The end"), each("shutdown")),
    ]


def of_queue(request: HttpRequest, name: str, readers: list[str] | None) -> list[Offer]:
    offers = Offers(request)
    reading: dict[str, Any] = {"workers": readers} if readers else {}
    return [
        offers.of("cancel_consumer", label=_("Stop consuming"), queue=name, **reading),
        offers.of("add_consumer", label=_("Start consuming"), queue=name),
        offers.of("purge", queue=name),
    ]
