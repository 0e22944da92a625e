"""Views of the list of tasks: those that everybody has, one's own, and those that are shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.filters.url import parameters
from django_celery_monitor.models import SavedView

# Beside its filters, a view may choose columns.
COLUMN: Final = "column"
MOST: Final = 50
SHARED: Final = 100
BUILT_IN: Final = {
    "all": (gettext_lazy("All tasks"), ""),
    "failing": (gettext_lazy("Failing now"), "state=failed&failed=15m"),
    "long": (gettext_lazy("Running long"), "state=running&runtime=%3E5m"),
    "today": (gettext_lazy("Today"), ""),
    "hour": (gettext_lazy("Last hour"), "after=1h"),
    "stuck": (gettext_lazy("Stuck"), "state=waiting&wait=%3E10m"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``key`` names it in addresses; ``mine``: the reader may change it."""

    key: str
    name: str
    query: str
    mine: bool = False
    shared: bool = False


def built_in() -> list[View]:
    return [
        View(key=key, name=str(name), query=_today() if key == "today" else text)
        for key, (name, text) in BUILT_IN.items()
    ]


def _today() -> str:
    """Since midnight in the reader's zone; who is sent the address sees the same tasks."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return urlencode({"after": midnight.isoformat()})


def rows_for(user: User) -> QuerySet[SavedView]:
    """One's own and the shared ones."""
    rows = get_policy().visible(user, SavedView.objects.all())
    return rows.filter(Q(owner=str(user.pk)) | Q(shared=True))


def kept(user: User) -> list[View]:
    owner = str(user.pk)
    return [
        View(
            key=str(row.pk),
            name=row.name,
            query=row.query,
            mine=row.owner == owner,
            shared=row.shared,
        )
        for row in rows_for(user)[: MOST + SHARED]
    ]


def stored(params: QueryDict) -> str:
    """What a view keeps of an address, always in the same order."""
    found = QueryDict(mutable=True)
    for name in (*parameters(params), COLUMN):
        values = [value.strip() for value in params.getlist(name) if value.strip()]
        if values:
            found.setlist(name, sorted(set(values)))
    return found.urlencode()


def shown(params: QueryDict, views: list[View]) -> View | None:
    """The view that the address names, or else the one that it happens to be."""
    if key := params.get("view"):
        return next((view for view in views if view.key == key), None)
    query = stored(params)
    return next((view for view in views if stored(QueryDict(view.query)) == query), None)
