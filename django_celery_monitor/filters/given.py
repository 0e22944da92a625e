"""What both spellings have in common: values by field, and whether they are to be excluded."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from django_celery_monitor.filters.expression import (
    And,
    Expression,
    FilterError,
    Not,
    Or,
    Term,
    negated,
)
from django_celery_monitor.filters.fields import FIELDS, field_named
from django_celery_monitor.filters.paths import is_path

# SQLite refuses expressions of more than a thousand parts.
MAX_ALTERNATIVES = 100
# Each of these is looked for in every row of a window.
MAX_SEARCHES = 10
Given = dict[tuple[str, bool], list[str]]


def built(given: Given) -> And:
    """The expression, always in the same order. Raises ``FilterError`` for too many values."""
    parts: list[Expression] = []
    for field in (*FIELDS, *_paths(given)):
        for excluded in (False, True):
            values = list(dict.fromkeys(given.get((field, excluded), ())))
            _refuse_many(field, values)
            parts += _parts([Term(field, value) for value in values], excluded)
    return And(tuple(parts))


def _paths(given: Given) -> list[str]:
    found = sorted({field for field, _excluded in given if is_path(field)})
    if len(found) > MAX_SEARCHES:
        raise FilterError(
            _("%(count)d arguments are asked for; at most %(limit)d are allowed.")
            % {"count": len(found), "limit": MAX_SEARCHES}
        )
    return found


def _parts(found: list[Term], excluded: bool) -> list[Expression]:
    if not found:
        return []
    either: Expression = found[0] if len(found) == 1 else Or(tuple(found))
    if excluded:
        return [Not(either)]
    return list(found) if field_named(found[0].field).every else [either]


def given_by(expression: And) -> Given:
    """The opposite of ``built``."""
    given: Given = {}
    for term, excluded in negated(expression):
        given.setdefault((term.field, excluded), []).append(term.value)
    return given


def checked(field: str, value: str) -> str:
    """``value``, if the field takes it; else ``FilterError``."""
    # PostgreSQL holds no such text, and raises when asked for it.
    if "\0" in value:
        raise FilterError(_("%(field)s contains a NUL character.") % {"field": field})
    field_named(field).condition(value)
    return value


def stripped(values: Iterable[str]) -> list[str]:
    return [value.strip() for value in values if value.strip()]


def _refuse_many(field: str, values: list[str]) -> None:
    limit = MAX_SEARCHES if field_named(field).every or is_path(field) else MAX_ALTERNATIVES
    if len(values) > limit:
        raise FilterError(
            _("%(field)s is given %(count)d times; at most %(limit)d are allowed.")
            % {"field": field, "count": len(values), "limit": limit}
        )
