"""How long a task ran and waited, as the pages show it, computed by the database."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Case, DateTimeField, F, FloatField, Func, Q, Value, When
from django.db.models.functions import Coalesce, Greatest
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
)
from django.utils import timezone

from django_celery_monitor.filters.values import Compared
from django_celery_monitor.state.states import GROUPS

_LOOKUPS: Final = {
    "exact": Exact,
    "gt": GreaterThan,
    "gte": GreaterThanOrEqual,
    "lt": LessThan,
    "lte": LessThanOrEqual,
}


class Elapsed(Func):
    """Seconds from one time to another. Django's own subtraction calls Python on SQLite."""

    output_field = FloatField()
    template = "EXTRACT(EPOCH FROM (%(expressions)s))"
    arg_joiner = " - "

    def __init__(self, start: Any, end: Any) -> None:
        super().__init__(end, start)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        days = [Func(each, function="julianday") for each in self.get_source_expressions()]
        (end, ends), (start, starts) = (compiler.compile(each) for each in days)
        return f"(({end} - {start}) * 86400.0)", (*ends, *starts)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        end, start = self.get_source_expressions()
        turned = self.copy()
        turned.set_source_expressions([start, end])
        return turned.as_sql(
            compiler,
            connection,
            template="(TIMESTAMPDIFF(MICROSECOND, %(expressions)s) / 1000000.0)",
            arg_joiner=", ",
        )


def runtime(wanted: Compared) -> Q:
    """What its worker measured, else from start to end; of a running task, until now."""
    end = Case(
        When(finished_at=None, then=_now()),
        When(known_by="worker", then=F("finished_at")),
        output_field=DateTimeField(null=True),
    )
    return _compared(Coalesce(F("runtime"), Elapsed(F("started_at"), end)), wanted)


def wait(wanted: Compared) -> Q:
    """From sending (or its ETA) to the start; of a task that waits, until now."""
    begun = Coalesce(F("sent_at"), F("received_at"))
    due = Greatest(begun, Coalesce(F("eta"), begun))
    still = When(state__in=GROUPS["waiting"], then=_now())
    end = Coalesce(F("started_at"), Case(still, output_field=DateTimeField(null=True)))
    return _compared(Elapsed(due, end), wanted)


def _compared(span: Any, wanted: Compared) -> Q:
    return Q(_LOOKUPS[wanted.lookup](span, Value(wanted.number, output_field=FloatField())))


def _now() -> Value:
    return Value(timezone.now(), output_field=DateTimeField())
