"""What all our admin pages have in common."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_celery_monitor.access.policy import VIEW_TASK_ARGUMENTS, get_policy

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
else:

    class ModelAdmin(admin.ModelAdmin):
        """Takes a type argument, as the class does for type checkers only."""

        def __class_getitem__(cls, model: type[Model]) -> type[admin.ModelAdmin]:
            return cls


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to a thousand; who looks for something further back searches or filters."""

    most: ClassVar[int] = 1000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found: int = rows.order_by()[: self.most].count()
        return found


class ReadOnlyAdmin(ModelAdmin[M]):
    """Shows what the access policy lets the reader see, and changes nothing.

    ``act`` is the right that it takes; ``payload`` names the fields that also take the right to see
    arguments and results.
    """

    act: ClassVar[str]
    payload: ClassVar[tuple[str, ...]] = ()

    actions = None
    list_per_page = 50
    list_max_show_all = 0
    paginator = CappedPaginator
    show_full_result_count = False
    # Each facet would count the whole table.
    show_facets = admin.ShowFacets.NEVER

    def has_module_permission(self, request: HttpRequest) -> bool:
        return get_policy().can(request.user, self.act)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return get_policy().can(request.user, self.act, obj)

    def has_add_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        return get_policy().visible(request.user, super().get_queryset(request))

    def get_fields(self, request: HttpRequest, obj: M | None = None) -> list[Any]:
        fields = list(self.fields or ())
        if not self.payload or get_policy().can(request.user, VIEW_TASK_ARGUMENTS, obj):
            return fields
        return [*(field for field in fields if field not in self.payload), "hidden"]

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[Any]:
        return self.get_fields(request, obj)

    @admin.display(description=gettext_lazy("texts"))
    def hidden(self, obj: M) -> str:
        return _("To see them takes the permission django_celery_monitor.view_task_arguments.")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only our own filters: by any other, hidden texts could be found out guess by guess."""
        return lookup in {getattr(each, "parameter_name", None) for each in self.list_filter}


def page_of(name: str, key: str) -> str | None:
    """The address of one of the monitor's own pages; ``None`` where they are not mounted."""
    try:
        return reverse(f"celery_monitor:{name}", args=(key,)) if key else None
    except NoReverseMatch:
        return None


def in_a_row(moment: datetime) -> str:
    """With its seconds, which tell one row from the next, and in one line."""
    local = timezone.localtime(moment)
    text = f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"
    return format_html('<span class="nowrap">{}</span>', text)
