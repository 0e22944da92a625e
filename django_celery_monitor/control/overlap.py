"""Whether two operations may mean the same tasks."""

from __future__ import annotations

from typing import Final

from django_celery_monitor.control.operations import Chosen, parsed
from django_celery_monitor.filters import And, Expression, Or, Term, terms
from django_celery_monitor.models import Operation
from django_celery_monitor.state.states import GROUPS

Status = Operation.Status
_ACTIVE: Final = (Status.QUEUED, Status.RUNNING, Status.STOPPING)
_EXACT: Final = frozenset({"state", "name", "worker", "queue", "id"})
_MOST: Final = 20


def overlapping(act: str, chosen: Chosen) -> list[Operation]:
    """Operations that are on their way and may do the same act to some of the same tasks."""
    active = Operation.objects.filter(act=act, status__in=_ACTIVE).order_by("-created_at")
    return [each for each in active[:_MOST] if _may_meet(each, chosen)]


def _may_meet(operation: Operation, chosen: Chosen) -> bool:
    if chosen.ids and operation.collected:
        return operation.items.filter(task_id__in=chosen.ids).exists()
    if chosen.expression is None or not operation.said or operation.of_id:
        return True
    return not are_apart(parsed(operation.filter), chosen.expression)


def are_apart(one: And, other: And) -> bool:
    """Whether no task can match both, as far as exact values tell."""
    left, right = _values(one), _values(other)
    return any(not left[field] & right[field] for field in left.keys() & right.keys())


def _values(expression: And) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for part in expression.parts:
        if isinstance(part, Term | Or) and _is_exact(part):
            each = terms(part)
            values = {value for term in each for value in GROUPS.get(term.value, (term.value,))}
            found[each[0].field] = values
    return found


def _is_exact(part: Expression) -> bool:
    return all(
        term.field in _EXACT and "*" not in term.value and term.value != "running"
        for term in terms(part)
    )
