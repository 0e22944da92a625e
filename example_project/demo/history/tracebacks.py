"""Errors of last week, with the texts that Celery's workers send for them."""

from __future__ import annotations

from dataclasses import dataclass

_RAISED = """Traceback (most recent call last):
  File "/srv/shop/.venv/lib/python3.11/site-packages/celery/app/trace.py", line 564, in trace_task
    R = retval = fun(*args, **kwargs)
                 ^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/.venv/lib/python3.11/site-packages/celery/app/trace.py", line 883, in \
__protected_call__
    return self.run(*args, **kwargs)
           ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/example_project/tasks/{module}.py", line {line}, in {function}
    {code}
{kind}: {message}
"""
# What the pool reports: the event's `exception` says only "ExceptionWithTraceback()".
_POOL = """Traceback (most recent call last):
  File "/srv/shop/.venv/lib/python3.11/site-packages/billiard/pool.py", line {line}, in {function}
    raise {name}(
billiard.exceptions.{name}: {message}
"""


@dataclass(frozen=True, slots=True)
class Error:
    exception: str
    traceback: str
    # Seconds until it came, when they do not depend on the task.
    after: float | None = None


def _raised(
    kind: str, message: str, place: tuple[str, int, str], code: str, after: float | None = None
) -> Error:
    module, line, function = place
    text = _RAISED.format(
        module=module, line=line, function=function, code=code, kind=kind, message=message
    )
    argument = repr(message.strip("'")) if message else ""
    return Error(f"{kind.rpartition('.')[2]}({argument})", text, after)


def _pool(name: str, message: str, place: tuple[int, str], after: float | None = None) -> Error:
    line, function = place
    text = _POOL.format(name=name, message=message, line=line, function=function)
    return Error("ExceptionWithTraceback()", text, after)


DECLINED = _raised(
    "example_project.tasks.errors.CardDeclined",
    "insufficient_funds (code 51)",
    ("orders", 36, "charge_card"),
    'raise CardDeclined("insufficient_funds (code 51)")',
)
GATEWAY = _raised(
    "example_project.tasks.errors.GatewayTimeout",
    "no answer from the bank within 3 s",
    ("orders", 34, "charge_card"),
    'raise GatewayTimeout("no answer from the bank within 3 s")',
)
TWICE = _raised(
    "django.db.utils.IntegrityError",
    'duplicate key value violates unique constraint "shop_parcel_tracking_code_key"',
    ("orders", 44, "ship"),
    "raise IntegrityError(",
)
SMTP = _raised(
    "smtplib.SMTPServerDisconnected",
    "Connection unexpectedly closed",
    ("mail", 18, "send_receipt"),
    "raise self.retry(exc=error, countdown=3)",
)
HEADER = _raised(
    "ValueError",
    "Invalid header: <script>alert(1)</script>",
    ("mail", 27, "send_newsletter"),
    'raise ValueError(f"Invalid header: {subject}")',
)
UNKNOWN_SKU = _raised("KeyError", "'CH-2291-BL'", ("stock", 15, "reserve"), "raise KeyError(sku)")
SOFT_LIMIT = _raised(
    "billiard.exceptions.SoftTimeLimitExceeded",
    "",
    ("reports", 31, "_hang"),
    "time.sleep(30)",
    after=8.0,
)
HARD_LIMIT = _pool("TimeLimitExceeded", "TimeLimitExceeded(11.0,)", (745, "on_hard_timeout"), 11.0)
WORKER_LOST = _pool(
    "WorkerLostError",
    "Worker exited prematurely: signal 9 (SIGKILL) Job: 47.",
    (1367, "mark_as_worker_lost"),
)
