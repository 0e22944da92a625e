"""Mount with ``path("monitor/", include("django_celery_monitor.urls"))``, wherever you like."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path, register_converter

from django_celery_monitor.access.at_once import at_once
from django_celery_monitor.views.act import act
from django_celery_monitor.views.audit import audit, audit_entry, audit_export
from django_celery_monitor.views.complete import complete
from django_celery_monitor.views.export import export
from django_celery_monitor.views.failures import failures
from django_celery_monitor.views.live import live
from django_celery_monitor.views.operation_new import new_operation
from django_celery_monitor.views.operations import (
    operation,
    operations,
    resume_operation,
    stop_operation,
)
from django_celery_monitor.views.overview import overview
from django_celery_monitor.views.queues import queue, queues
from django_celery_monitor.views.saved_views import (
    delete_view,
    save_view,
    saved_views,
    view_counts,
)
from django_celery_monitor.views.sending import retry, send
from django_celery_monitor.views.series import series
from django_celery_monitor.views.styleguide import styleguide
from django_celery_monitor.views.task import task
from django_celery_monitor.views.tasks import tasks
from django_celery_monitor.views.types import type_, types
from django_celery_monitor.views.worker import inspect, worker
from django_celery_monitor.views.workers import workers


class AnyTextConverter:
    """Ids and host names are whatever a client sends: slashes and line breaks included."""

    # Without NUL, which PostgreSQL cannot even be asked for.
    regex = r"[^\0]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AnyTextConverter, "celery_monitor_text")

app_name = "celery_monitor"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview, name="overview"),
    path("tasks/", tasks, name="tasks"),
    path("tasks/<celery_monitor_text:task_id>/", task, name="task"),
    path("retry/<celery_monitor_text:task_id>/", retry, name="retry"),
    path("send/", send, name="send"),
    path("types/", types, name="types"),
    path("types/<celery_monitor_text:name>/", type_, name="type"),
    path("failures/", failures, name="failures"),
    path("views/", saved_views, name="views"),
    path("views/counts/", view_counts, name="view_counts"),
    path("views/save/", save_view, name="save_view"),
    path("views/delete/", delete_view, name="delete_view"),
    path("complete/", complete, name="complete"),
    path("export/", export, name="export"),
    path("workers/", workers, name="workers"),
    path("workers/<celery_monitor_text:hostname>/", worker, name="worker"),
    path("inspect/<celery_monitor_text:hostname>/", inspect, name="inspect"),
    path("series/", series, name="series"),
    path("styleguide/", styleguide, name="styleguide"),
    path("queues/", queues, name="queues"),
    path("queues/<celery_monitor_text:name>/", queue, name="queue"),
    path("operations/", operations, name="operations"),
    path("operations/new/", new_operation, name="new_operation"),
    path("operations/<uuid:key>/", operation, name="operation"),
    path("operations/<uuid:key>/stop/", stop_operation, name="stop_operation"),
    path("operations/<uuid:key>/resume/", resume_operation, name="resume_operation"),
    path("acts/<str:act_name>/", act, name="act"),
    path("audit/", audit, name="audit"),
    path("audit/export/", audit_export, name="audit_export"),
    path("audit/<int:action_id>/", audit_entry, name="audit_entry"),
    path("live/", live, name="live"),
]

for _view in (act, retry, send, new_operation, stop_operation, resume_operation):
    at_once(_view)

# The API is an extra.
if find_spec("ninja"):
    urlpatterns.append(path("api/v1/", include("django_celery_monitor.api.urls")))
