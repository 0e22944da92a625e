"""The tabs of a worker's page: which there are, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access.policy import (
    VIEW_TASK,
    VIEW_TASK_ARGUMENTS,
    User,
    get_policy,
)
from django_celery_monitor.control.acts.aiming import EVERYBODY
from django_celery_monitor.filters import And, Term
from django_celery_monitor.models import ControlTarget, WorkerEvent
from django_celery_monitor.paging import page as page_of
from django_celery_monitor.reading.fleet import FleetRow
from django_celery_monitor.reading.inspected import NEEDS, SHOWN, Part, Told, contents, held, ids
from django_celery_monitor.views.audit import entries_on
from django_celery_monitor.views.rows import rows, tasks_for

Context = dict[str, Any]
_HISTORY: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """``parts``: the replies it shows; ``counted``: the one whose entries are its number."""

    key: str
    label: str | Promise
    fill: Callable[[User, FleetRow, Context, datetime], Context]
    parts: tuple[str, ...] = ()
    counted: str = ""

    @property
    def template(self) -> str:
        return f"django_celery_monitor/_worker_{self.key}.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class TabLink:
    label: str
    url: str
    current: bool
    count: int | None


def links(hostname: str, current: Tab, told: Mapping[str, Told]) -> list[TabLink]:
    return [
        TabLink(
            label=str(tab.label),
            url=url_of(hostname, tab),
            current=tab is current,
            count=told[tab.counted].total if tab.counted in told else None,
        )
        for tab in TABS.values()
    ]


def url_of(hostname: str, tab: Tab) -> str:
    url = reverse("celery_monitor:worker", args=(hostname,))
    return url if tab is TABS["overview"] else f"{url}?tab={tab.key}"


def content_of(tab: Tab, user: User, row: FleetRow, now: datetime) -> Context:
    """What its template needs; ``lacks`` names a permission that the reader does not have."""
    lacks = _lacks(tab, user)
    if lacks:
        return {"lacks": lacks}
    found = contents(user, row.view.worker.hostname, tab.parts) if tab.parts else {}
    return tab.fill(user, row, found, now)


def _lacks(tab: Tab, user: User) -> str:
    part = tab.parts[0] if tab.parts else ""
    needs = VIEW_TASK if tab.key == "tasks" else NEEDS.get(part)
    return needs if needs and not get_policy().can(user, needs) else ""


def _overview(user: User, row: FleetRow, _found: Context, _now: datetime) -> Context:
    hostname = row.view.worker.hostname
    policy = get_policy()
    events = WorkerEvent.objects.filter(worker=hostname).order_by("-time", "-id")
    return {
        "history": list(policy.visible(user, events)[:_HISTORY]),
        "may_see_tasks": policy.can(user, VIEW_TASK),
        "entries": entries_on(user, ControlTarget.Kind.WORKER, hostname, EVERYBODY),
    }


def _tasks(user: User, row: FleetRow, _found: Context, _now: datetime) -> Context:
    of_worker = And((Term("worker", row.view.worker.hostname),))
    return {
        "rows": rows(user, page_of(tasks_for(user), of_worker).items),
        "payload": get_policy().can(user, VIEW_TASK_ARGUMENTS),
    }


def _stats(_user: User, _row: FleetRow, found: Context, _now: datetime) -> Context:
    return {"stats": found.get(Part.STATS)}


def _queues(_user: User, _row: FleetRow, found: Context, _now: datetime) -> Context:
    return {"queues": found.get(Part.QUEUES)}


def _held(user: User, _row: FleetRow, found: Context, _now: datetime) -> Context:
    [entries] = found.values() or [None]
    return {
        "held": None if entries is None else held(user, entries),
        "payload": get_policy().can(user, VIEW_TASK_ARGUMENTS),
        "shown": SHOWN,
    }


def _revoked(user: User, _row: FleetRow, found: Context, _now: datetime) -> Context:
    entries = found.get(Part.REVOKED)
    return {"ids": None if entries is None else ids(user, entries), "shown": SHOWN}


def _registered(_user: User, _row: FleetRow, found: Context, _now: datetime) -> Context:
    return {"registered": found.get(Part.REGISTERED)}


def _conf(_user: User, _row: FleetRow, found: Context, _now: datetime) -> Context:
    return {"conf": found.get(Part.CONF), "report": found.get(Part.REPORT)}


_ALL: Final = (
    Tab(key="overview", label=_("Overview"), fill=_overview),
    Tab(key="pool", label=_("Pool"), fill=_stats, parts=(Part.STATS,)),
    Tab(key="queues", label=_("Queues"), fill=_queues, parts=(Part.QUEUES,), counted=Part.QUEUES),
    Tab(key="active", label=_("Active"), fill=_held, parts=(Part.ACTIVE,), counted=Part.ACTIVE),
    Tab(
        key="reserved",
        label=_("Reserved"),
        fill=_held,
        parts=(Part.RESERVED,),
        counted=Part.RESERVED,
    ),
    Tab(
        key="scheduled",
        label=_("Scheduled"),
        fill=_held,
        parts=(Part.SCHEDULED,),
        counted=Part.SCHEDULED,
    ),
    Tab(
        key="revoked",
        label=_("Revoked"),
        fill=_revoked,
        parts=(Part.REVOKED,),
        counted=Part.REVOKED,
    ),
    Tab(
        key="registered",
        label=_("Registered"),
        fill=_registered,
        parts=(Part.REGISTERED,),
        counted=Part.REGISTERED,
    ),
    Tab(key="configuration", label=_("Configuration"), fill=_conf, parts=(Part.CONF, Part.REPORT)),
    Tab(key="statistics", label=_("Statistics"), fill=_stats, parts=(Part.STATS,)),
    Tab(key="tasks", label=_("Latest tasks"), fill=_tasks),
)
TABS: Final = {tab.key: tab for tab in _ALL}
