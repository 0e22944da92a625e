"""Filters of the lists: choices come from counters, never from the rows themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.filters import FilterError, from_params, to_q
from django_celery_monitor.models import TaskStats, Worker
from django_celery_monitor.reading.counts import kept
from django_celery_monitor.state.contributions import OTHER
from django_celery_monitor.state.states import GROUPS

MOST_CHOICES: Final = 200


class TermFilter(admin.SimpleListFilter):
    """One term of the filter language."""

    def choices_for(self, user: User) -> Iterable[tuple[str, Any]]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(self.choices_for(request.user))[:MOST_CHOICES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            return queryset.filter(
                to_q(from_params({self.parameter_name or "": self.value() or ""}))
            )
        except FilterError as error:
            raise IncorrectLookupParameters(str(error)) from error


class StateFilter(TermFilter):
    title = _("state")
    parameter_name = "state"

    def choices_for(self, user: User) -> Iterable[tuple[str, Any]]:
        return ((group, group) for group in GROUPS)


class NameFilter(TermFilter):
    title = _("name")
    parameter_name = "name"

    def choices_for(self, user: User) -> Iterable[tuple[str, Any]]:
        return ((name, name) for name in known_names(user))


class WorkerFilter(TermFilter):
    title = _("worker")
    parameter_name = "worker"

    def choices_for(self, user: User) -> Iterable[tuple[str, Any]]:
        rows = get_policy().visible(user, Worker.objects.order_by("-arrived_at"))
        names = rows.values_list("hostname", flat=True)[:MOST_CHOICES]
        return ((name, name) for name in sorted(names))


class QueueFilter(TermFilter):
    title = _("queue")
    parameter_name = "queue"

    def choices_for(self, user: User) -> Iterable[tuple[str, Any]]:
        rows = TaskStats.objects.filter(
            period=TaskStats.Period.DAY,
            grain=TaskStats.Grain.QUEUE,
            start__gte=timezone.now() - timedelta(days=30),
        )
        names = get_policy().visible(user, rows).order_by().values_list("label", flat=True)
        return ((name, name) for name in sorted(set(names) - {"", OTHER}))


class AfterFilter(TermFilter):
    title = _("time")
    parameter_name = "after"

    def choices_for(self, user: User) -> Iterable[tuple[str, Any]]:
        return (
            ("15m", _("last 15 minutes")),
            ("1h", _("last hour")),
            ("1d", _("last day")),
            ("7d", _("last 7 days")),
        )


def known_names(user: User) -> list[str]:
    """The names of all kept tasks."""
    return sorted(name for name in kept(user).by_name() if name)
