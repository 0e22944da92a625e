"""A project's policy as projects write it: it narrows tasks and workers, and thinks of no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from django_celery_monitor.access.policy import AccessPolicy, M, User

if TYPE_CHECKING:
    from django.db.models import QuerySet

QUEUE = "mail"
WORKER = "celery@mail-1"


class OwnQueue(AccessPolicy):
    """Everybody sees only what is in one queue, and the worker that reads it."""

    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        name = queryset.model._meta.model_name
        if name == "task":
            return queryset.filter(queue=QUEUE)
        return queryset.filter(hostname=WORKER) if name == "worker" else queryset


class OwnCounts(OwnQueue):
    """It also says which counts are its readers': those by queue."""

    def visible(self, user: User, queryset: QuerySet[M]) -> QuerySet[M]:
        if queryset.model._meta.model_name == "taskstats":
            return queryset.filter(Q(grain="q", label=QUEUE))
        return super().visible(user, queryset)
