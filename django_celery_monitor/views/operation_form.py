"""What is asked before an operation begins, and what was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from django_celery_monitor.access.policy import User, get_policy
from django_celery_monitor.conf import get_settings
from django_celery_monitor.control.acts.parameters import Flag
from django_celery_monitor.control.operations import MOST_IDS, Chosen, parsed, permit_filter
from django_celery_monitor.control.verbs import PER_TASK, Verb
from django_celery_monitor.control.wholes import count_whole
from django_celery_monitor.filters import And, FilterError, Term, moment, spelled, to_params
from django_celery_monitor.filters.pinned import pinned
from django_celery_monitor.models import Task
from django_celery_monitor.paging import page
from django_celery_monitor.reading.counts import facets, matching
from django_celery_monitor.reading.operations import Sample, named, operation_of

# Of more tasks the number has to be typed.
FEW: Final = 100
FIRST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """How many tasks are meant, as far as is known, and the first of them."""

    number: int
    at_least: bool = False
    first: list[Sample] = field(default_factory=list)
    # Of so many that were looked at, so many can surely be sent again.
    looked: int = 0
    whole: int = 0

    @property
    def too_many(self) -> bool:
        return self.number > get_settings().OPERATION_MAX

    @property
    def wants_typed(self) -> bool:
        return self.number > FEW or self.at_least


def chosen_by(user: User, given: QueryDict) -> Chosen:
    """From what a list, or this page's own form, sends; raises ``FilterError``."""
    if key := given.get("of"):
        of = operation_of(user, key)
        if of is None:
            raise Http404(_("No such operation is kept, or it is not yours."))
        return Chosen(of=of, bound=timezone.now())
    bound = _bound(given.get("bound", ""))
    if (query := given.get("filter")) is not None:
        expression = pinned(parsed(query))
        permit_filter(user, expression)
        return Chosen(expression=expression, bound=bound)
    ids = [*given.getlist("id"), *_listed(given.get("ids", ""))]
    if not ids:
        raise FilterError(_("No task is selected."))
    if len(ids) > MOST_IDS + len(given.getlist("id")):
        raise FilterError(
            _("At most %(most)d tasks can be selected one by one.") % {"most": MOST_IDS}
        )
    return Chosen(ids=tuple(dict.fromkeys(ids))[:MOST_IDS], bound=bound)


def sent_again(chosen: Chosen) -> dict[str, str]:
    """The same, as hidden fields of the form."""
    if chosen.of is not None:
        return {"of": str(chosen.of.pk)}
    fields = {"bound": chosen.bound.isoformat()}
    if chosen.expression is not None:
        return fields | {"filter": to_params(chosen.expression).urlencode()}
    return fields | {"ids": json.dumps(chosen.ids)}


def said(chosen: Chosen) -> str:
    return spelled(chosen.expression) if chosen.expression else ""


def targets_of(user: User, verb: Verb, chosen: Chosen) -> Targets:
    number, at_least, ids = _found(user, verb, chosen)
    return Targets(
        number=number,
        at_least=at_least,
        first=named(user, ids[:FIRST]),
        looked=0 if verb.together else len(ids),
        whole=0 if verb.together else count_whole(user, ids),
    )


def _found(user: User, verb: Verb, chosen: Chosen) -> tuple[int, bool, list[str]]:
    """How many, whether at least, and the ids of the first ``FEW``."""
    if chosen.of is not None:
        items = chosen.of.items.filter(status__in=verb.again).order_by("pk")
        return items.count(), False, list(items.values_list("task_id", flat=True)[:FEW])
    if chosen.expression is None:
        return len(chosen.ids), False, list(chosen.ids[:FEW])
    until = And((*chosen.expression.parts, Term("before", chosen.bound.isoformat())))
    tasks = get_policy().visible(user, Task.objects.only("id", "time"))
    found = page(tasks, until, size=FEW)
    ids = [task.id for task in found.items]
    if found.older is None:
        return len(ids), False, ids
    counts = facets(user, until)
    number = matching(until, counts)
    if number is None or number < len(ids):
        return len(ids), True, ids
    return number, counts.at_least, ids


def flags_of(verb: Verb) -> list[Flag]:
    """What can be chosen besides the tasks."""
    return [
        each
        for each in verb.act.parameters
        if isinstance(each, Flag) and each.name not in {*PER_TASK, "unseen"}
    ]


def parameters_of(verb: Verb, given: QueryDict) -> dict[str, Any]:
    return {each.name: True for each in flags_of(verb) if each.name in given}


def _bound(text: str) -> datetime:
    return min(moment(text), timezone.now()) if text else timezone.now()


def _listed(text: str) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise FilterError(_("These are no ids of tasks.")) from error
    if not isinstance(found, list):
        raise FilterError(_("These are no ids of tasks."))
    return [str(each) for each in found]
