from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from django_celery_monitor.access.policy import VIEW_ACTION
from django_celery_monitor.admin.base import ReadOnlyAdmin
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.filters import FilterError
from django_celery_monitor.models import ControlAction, ControlTarget
from django_celery_monitor.reading.audit import Eyes, wanted
from django_celery_monitor.reading.audit_csv import audit_csv

_PERIODS: Final = (
    ("1h", _("last hour")),
    ("1d", _("last day")),
    ("7d", _("last 7 days")),
    ("30d", _("last 30 days")),
)


class _Filter(admin.SimpleListFilter):
    """One of the filters that the API has too."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        choices: dict[str | None, list[tuple[str, Any]]] = {
            "act": [(name, act.label) for name, act in ACTS.items()],
            "outcome": list(ControlAction.Outcome.choices),
            "source": list(ControlAction.Source.choices),
            "after": list(_PERIODS),
        }
        return choices[self.parameter_name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            return queryset.filter(wanted({self.parameter_name or "": self.value()}))
        except FilterError as error:
            raise IncorrectLookupParameters(str(error)) from error


class ActFilter(_Filter):
    title, parameter_name = _("act"), "act"


class OutcomeFilter(_Filter):
    title, parameter_name = _("outcome"), "outcome"


class SourceFilter(_Filter):
    title, parameter_name = _("source"), "source"


class AfterFilter(_Filter):
    title, parameter_name = _("time"), "after"


class ControlActionAdmin(ReadOnlyAdmin[ControlAction]):
    act = VIEW_ACTION
    view_on_site = False
    change_list_template = "django_celery_monitor/admin_actions.html"
    fields = (
        *("act", "user_name", "user_id", "reason", "aimed_at", "target_count", "target_filter"),
        *("given", "source", "started_at", "ended_at", "outcome", "detail"),
        *("repeated", "replied", "silent"),
    )
    list_display = ("started_at", "user_name", "act", "aimed_at", "outcome", "reason")
    list_filter = (AfterFilter, ActFilter, OutcomeFilter, SourceFilter)
    sortable_by = ()
    search_fields = ("user_name",)
    search_help_text = _("The name of a person, or a whole id or name of a target.")

    @admin.display(description=_("targets"))
    def aimed_at(self, action: ControlAction) -> str:
        return ", ".join(f"{each.kind}:{each.value}" for each in action.targets.all()[:100])

    @admin.display(description=_("replies"))
    def replied(self, action: ControlAction) -> str:
        said = action.replies.items()
        return "\n".join(f"{host}: {each['verdict']} {each['text']}" for host, each in said)

    @admin.display(description=_("arguments"))
    def given(self, action: ControlAction) -> str:
        return json.dumps(action.arguments, ensure_ascii=False)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ControlAction | None:
        found = super().get_object(request, *args, **kwargs)
        # Only for showing: nothing is saved here.
        return found and Eyes(request.user).see(found)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ControlAction]:
        return super().get_queryset(request).prefetch_related("targets")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ControlAction], search_term: str
    ) -> tuple[QuerySet[ControlAction], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        aimed = ControlTarget.objects.filter(kind__in=ControlTarget.Kind.values, value=term)
        found = Q(user_name=term) | Q(pk__in=aimed.order_by().values("action"))
        return queryset.filter(found), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.csv)
        own = path("csv/", view, name="django_celery_monitor_controlaction_csv")
        return [own, *super().get_urls()]

    def csv(self, request: HttpRequest) -> HttpResponse:
        """What the list shows, with its filters: at most ``EXPORT_MAX``, the newest."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).get_queryset(request)
        found = rows.order_by("-pk")[: get_settings().EXPORT_MAX]
        answer = HttpResponse(
            "".join(audit_csv(request.user, found)), content_type="text/csv; charset=utf-8"
        )
        answer.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
        return answer
