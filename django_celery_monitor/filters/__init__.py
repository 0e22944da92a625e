"""One filter language for page, REST, export, admin and socket: an expression of terms.

It has two spellings, which say the same things: the parameters of an address (``url``) and what
people type into the search box (``search``).
"""

from __future__ import annotations

from django_celery_monitor.filters.conditions import is_private, split, to_q
from django_celery_monitor.filters.expression import (
    And,
    Expression,
    FilterError,
    Not,
    Or,
    Term,
    negated,
    terms,
)
from django_celery_monitor.filters.fields import FIELDS, state_name
from django_celery_monitor.filters.search import parse, spelled
from django_celery_monitor.filters.url import from_params, to_params
from django_celery_monitor.filters.values import moment

__all__ = [
    "FIELDS",
    "And",
    "Expression",
    "FilterError",
    "Not",
    "Or",
    "Term",
    "from_params",
    "is_private",
    "moment",
    "negated",
    "parse",
    "spelled",
    "split",
    "state_name",
    "terms",
    "to_params",
    "to_q",
]
