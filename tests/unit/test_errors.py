from __future__ import annotations

import pytest

from django_celery_monitor.events import TaskEvent
from django_celery_monitor.state.errors import error_key, error_type, fingerprint, marks
from tests.streams import NAME, OTHER, event, facts

TRACEBACK = """Traceback (most recent call last):
  File "/venv/site-packages/celery/app/trace.py", line 479, in trace_task
    R = retval = fun(*args, **kwargs)
  File "/srv/shop/{module}.py", line {line}, in {function}
    raise {error}
{error}
"""


def traceback(
    module: str = "pay", function: str = "charge", line: int = 7, error: str = "KeyError: 'x'"
) -> str:
    return TRACEBACK.format(module=module, function=function, line=line, error=error)


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ("KeyError('x')", "KeyError"),
        ("shop.errors.CardError('no', 3)", "shop.errors.CardError"),
        ("ConnectionError()", "ConnectionError"),
        ("Retry in 10s: ConnectionError('no route')", "ConnectionError"),
        ("reject requeue=False: no", "Reject"),
        ("Declined: no funds", "Declined"),
        ("", ""),
        ("x" * 300 + "(", "x" * 255),
        ("y" * 300, "y" * 255),
    ],
)
def test_the_class_is_read_from_the_text(exception: str, expected: str) -> None:
    assert error_type(exception) == expected


def test_one_class_raised_in_one_function_is_one_kind() -> None:
    first = fingerprint("KeyError('x')", traceback(line=7))
    assert fingerprint("KeyError('y')", traceback(line=9)) == first
    others = [
        fingerprint("ValueError('x')", traceback()),
        fingerprint("KeyError('x')", traceback(module="ship")),
        fingerprint("KeyError('x')", traceback(function="refund")),
        fingerprint("KeyError('x')", ""),
    ]
    assert len({first, *others}) == 5


def test_frames_of_celery_do_not_tell_errors_apart() -> None:
    deep = traceback() + '  File "/venv/site-packages/kombu/messaging.py", line 1, in publish\n'
    assert fingerprint("KeyError('x')", deep) == fingerprint("KeyError('x')", traceback())


def marked(*events: TaskEvent) -> list[tuple[str, bool]]:
    found = marks(list(events), facts(*events))
    return [
        (found[error_key(e)].name, found[error_key(e)].duplicate)
        for e in events
        if e.type in ("failed", "retried")
    ]


def test_a_hard_time_limit_told_twice_is_one_error() -> None:
    assert marked(
        event("received"),
        event("started", 1),
        event("failed", 2, exception="A()"),
        event("failed", 2.01, exception="A()"),
    ) == [(NAME, True), (NAME, False)]


def test_every_retry_and_the_failure_after_them_count() -> None:
    assert marked(
        event("received", 0),
        event("started", 1),
        event("received", 1.9, retries=1),
        event("retried", 2),
        event("started", 3),
        event("failed", 4),
    ) == [(NAME, False), (NAME, False)]


def test_a_reject_that_is_told_as_a_failure_too_is_an_error() -> None:
    failed = event("failed", 2, exception="reject requeue=False: no")
    assert marked(event("received"), event("started", 1), failed, event("rejected", 2.01)) == [
        (NAME, False)
    ]


def test_a_failure_beside_a_success_stays_an_error() -> None:
    assert marked(
        event("received"),
        event("failed", 2),
        event("received", 3, OTHER),
        event("succeeded", 4, OTHER),
    ) == [(NAME, False)]


def test_errors_are_told_apart_by_who_told_them_and_when() -> None:
    keys = {
        error_key(each)
        for each in (
            event("failed", 1),
            event("failed", 2),
            event("failed", 1, OTHER),
            event("retried", 1),
            event("failed", 1, clock=7),
            event("failed", 1, exception="A()"),
        )
    }
    assert len(keys) == 6
