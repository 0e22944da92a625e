from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access.policy import VIEW_TASK
from django_celery_monitor.admin.acting import ActingAdmin
from django_celery_monitor.admin.base import ReadOnlyAdmin, in_a_row, page_of
from django_celery_monitor.admin.lists import (
    AfterFilter,
    NameFilter,
    QueueFilter,
    StateFilter,
    WorkerFilter,
    known_names,
)
from django_celery_monitor.models import Task, TaskError
from django_celery_monitor.reading.words import duration

# Of an id, so that a row of a list is one line.
SHORT: Final = 13


class TaskAdmin(ActingAdmin[Task]):
    act = VIEW_TASK
    acts = ("revoke", "terminate", "abort")
    target = "ids"
    payload = ("args", "kwargs", "result", "exception", "traceback")
    fields = (
        *("id", "name", "state", "known_by", "running_again", "worker", "queue", "retries"),
        *("took", "sent_at", "received_at", "started_at", "finished_at", "updated_at", "eta"),
        *("expires", "args", "kwargs", "result", "exception", "traceback", "root", "parent"),
    )
    # Columns are methods, because by fields anybody could sort, also by those without an index.
    list_display = ("what", "stands", "earliest", "where", "took", "key")
    list_display_links = ("what", "key")
    list_filter = (StateFilter, AfterFilter, NameFilter, WorkerFilter, QueueFilter)
    search_fields = ("id",)
    search_help_text = _("A task's id, or any part of a task's name.")

    @admin.display(description=_("id"))
    def key(self, task: Task) -> str:
        short = task.id if len(task.id) <= SHORT else f"{task.id[:SHORT]}…"
        return format_html('<span class="nowrap" title="{}">{}</span>', task.id, short)

    @admin.display(description=_("name"))
    def what(self, task: Task) -> str:
        return task.name or "?"

    @admin.display(description=_("state"))
    def stands(self, task: Task) -> str:
        return task.state

    @admin.display(description=_("time"), ordering="time")
    def earliest(self, task: Task) -> str:
        return in_a_row(task.time)

    @admin.display(description=_("worker"))
    def where(self, task: Task) -> str:
        return task.worker

    @admin.display(description=_("run time"))
    def took(self, task: Task) -> str:
        return duration(task.duration)

    @admin.display(description=_("traceback"))
    def traceback(self, task: Task) -> str:
        # Who may see the task's texts may see those of its errors.
        errors = TaskError.objects.filter(task_id=task.id, duplicate=False)
        found = errors.order_by("-time", "-id").first() if task.exception else None
        return format_html("<pre>{}</pre>", found.traceback) if found and found.traceback else ""

    @admin.display(description=_("root"))
    def root(self, task: Task) -> str:
        return _linked(task.root_id)

    @admin.display(description=_("parent"))
    def parent(self, task: Task) -> str:
        return _linked(task.parent_id)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        return super().get_queryset(request).defer("search", "events", *self.payload[:-1])

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if queryset.filter(pk=term).exists():
            return queryset.filter(pk=term), False
        names = [name for name in known_names(request.user) if term.lower() in name.lower()]
        return queryset.filter(name__in=names[:100]), False

    def view_on_site(self, task: Task) -> str | None:
        return page_of("task", task.id)


class TaskErrorAdmin(ReadOnlyAdmin[TaskError]):
    act = VIEW_TASK
    payload = ("message", "trace")
    fields = (
        "task",
        "name",
        "type",
        "message",
        "trace",
        "time",
        "worker",
        "retry",
        "duplicate",
    )
    list_display = ("happened", "kind", "what", "task", "where", "again")
    list_filter = (AfterFilter,)
    search_fields = ("task_id",)
    search_help_text = _("A task's id, or the fingerprint of an error.")

    @admin.display(description=_("time"), ordering="time")
    def happened(self, error: TaskError) -> str:
        return in_a_row(error.time)

    @admin.display(description=_("traceback"))
    def trace(self, error: TaskError) -> str:
        return format_html("<pre>{}</pre>", error.traceback) if error.traceback else ""

    @admin.display(description=_("type"))
    def kind(self, error: TaskError) -> str:
        return error.type

    @admin.display(description=_("name"))
    def what(self, error: TaskError) -> str:
        return error.name

    @admin.display(description=_("task"))
    def task(self, error: TaskError) -> str:
        return _linked(error.task_id)

    @admin.display(description=_("worker"))
    def where(self, error: TaskError) -> str:
        return error.worker

    @admin.display(description=_("retried"), boolean=True)
    def again(self, error: TaskError) -> bool:
        return error.retry

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskError]:
        return super().get_queryset(request).defer("message", "traceback")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TaskError], search_term: str
    ) -> tuple[QuerySet[TaskError], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(task_id=term) | Q(fingerprint=term)), False

    def view_on_site(self, error: TaskError) -> str | None:
        return page_of("task", error.task_id)


def _linked(task_id: str) -> str:
    url = page_of("task", task_id)
    return format_html('<a href="{}">{}</a>', url, task_id) if url else task_id
