"""Acts on what is ticked in a list of the admin: a page that asks for the reason, then the act."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from django_celery_monitor.access.at_once import at_once
from django_celery_monitor.access.policy import get_policy
from django_celery_monitor.admin.base import ReadOnlyAdmin
from django_celery_monitor.control.acts.base import Act
from django_celery_monitor.control.acts.registry import ACTS
from django_celery_monitor.control.errors import BadParametersError, ControlError
from django_celery_monitor.control.perform import perform
from django_celery_monitor.models import ControlAction
from django_celery_monitor.views.act_form import ActForm
from django_celery_monitor.views.acted import Acted, told
from django_celery_monitor.views.acting import tried

M = TypeVar("M", bound=Model)

# That the page was filled in; before, Django posts what was ticked.
NOW = "act_now"
# More than any act takes at once, so that it says so.
MOST = 1001
LEVELS = {"succeeded": messages.SUCCESS, "waiting": messages.INFO, "failed": messages.ERROR}


class ActingAdmin(ReadOnlyAdmin[M]):
    """``acts`` on rows, whose keys are the parameter ``target``; only for who may."""

    acts: ClassVar[tuple[str, ...]]
    target: ClassVar[str]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        acts = (ACTS[name] for name in self.acts)
        can = get_policy().can
        may = (act for act in acts if can(request.user, act.codename))
        return {act.name: (self._doing(act), act.name, act.label) for act in may}

    @at_once
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What Django does not offer it overlooks when it is posted all the same."""
        asked = {*request.POST.getlist("action")}.intersection(self.acts)
        for name in sorted(asked):
            keys = request.POST.getlist(ACTION_CHECKBOX_NAME)[:MOST]
            tried(request, ACTS[name], {self.target: keys}, ControlAction.Source.ADMIN)
        return super().changelist_view(request, *args, **kwargs)

    def _doing(self, act: Act) -> Callable[..., HttpResponse | None]:
        def do(_admin: object, request: HttpRequest, rows: QuerySet[M]) -> HttpResponse | None:
            given = QueryDict(mutable=True)
            given.setlist(
                self.target, [str(key) for key in rows.values_list("pk", flat=True)[:MOST]]
            )
            sent = request.POST if NOW in request.POST else None
            form = ActForm(act=act, given=given, sent=sent)
            if sent is not None and form.is_valid() and self._did(request, form):
                return None
            return self._page(request, form)

        return do

    def _did(self, request: HttpRequest, form: ActForm) -> bool:
        """Whether it was done; if not, the form says why."""
        source = ControlAction.Source.ADMIN
        try:
            action = perform(request.user, form.act, form.values, reason=form.reason, source=source)
        except BadParametersError as error:
            form.refuse(error.problems)
            return False
        except ControlError as error:
            form.error = str(error)
            return False
        found = told(request.user, action)
        level = LEVELS.get(found.kind, messages.WARNING)
        self.message_user(request, _in_words(found), level)
        return True

    def _page(self, request: HttpRequest, form: ActForm) -> HttpResponse:
        wrong = bool(form.problems or form.error)
        context = {
            **self.admin_site.each_context(request),
            "title": form.act.label,
            "opts": self.model._meta,
            "form": form,
            "act": form.act,
            "ticked": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
        }
        status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
        template = "django_celery_monitor/admin_act.html"
        return TemplateResponse(request, template, context, status=status)


def _in_words(found: Acted) -> str:
    action = found.action
    words = [f"{found.label}: {action.get_outcome_display()}.", action.detail]
    words += [f"{host}: {said}." for host, said in found.replies if said]
    if action.silent:
        words.append(_("Did not answer: %(names)s") % {"names": ", ".join(action.silent[:5])})
    return " ".join(word for word in words if word)
