"""Errors of last week, with the texts that Celery's workers send for them."""

from __future__ import annotations

from dataclasses import dataclass

_RAISED = """Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/celery/app/trace.py", line 585, in trace_task
    R = retval = fun(*args, **kwargs)
                 ^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/example_project/tasks/{module}.py", line {line}, in {function}
    {code}
{kind}: {message}
"""
# What the pool reports names its class in the last lines only.
_POOL = '''Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/billiard/pool.py", line {line}, in {function}
    raise {name}(
billiard.einfo.ExceptionWithTraceback:
"""
Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/billiard/pool.py", line {line}, in {function}
    raise {name}(
billiard.exceptions.{name}: {message}
"""
'''


@dataclass(frozen=True, slots=True)
class Error:
    exception: str
    traceback: str
    # Seconds until it came, when they do not depend on the task.
    after: float | None = None


def _raised(kind: str, message: str, place: tuple[str, int, str], code: str) -> Error:
    module, line, function = place
    text = _RAISED.format(
        module=module, line=line, function=function, code=code, kind=kind, message=message
    )
    return Error(f"{kind.rpartition('.')[2]}({message.strip(chr(39))!r})", text)


DECLINED = _raised(
    "example_project.tasks.errors.CardDeclined",
    "insufficient_funds (code 51)",
    ("orders", 42, "charge_card"),
    'raise CardDeclined("insufficient_funds (code 51)")',
)
GATEWAY = _raised(
    "example_project.tasks.errors.GatewayTimeout",
    "no answer from the bank within 3 s",
    ("orders", 40, "charge_card"),
    'raise GatewayTimeout("no answer from the bank within 3 s")',
)
TWICE = _raised(
    "django.db.utils.IntegrityError",
    'duplicate key value violates unique constraint "shop_parcel_tracking_code_key"',
    ("orders", 50, "ship"),
    "raise IntegrityError(",
)
SMTP = _raised(
    "smtplib.SMTPServerDisconnected",
    "Connection unexpectedly closed",
    ("mail", 19, "send_receipt"),
    "raise self.retry(exc=error, countdown=3)",
)
HEADER = _raised(
    "ValueError",
    "Invalid header: <script>alert('shop')</script>",
    ("mail", 28, "send_newsletter"),
    'raise ValueError(f"Invalid header: {subject}")',
)
UNKNOWN_SKU = _raised("KeyError", "'CH-2291-BL'", ("stock", 17, "reserve"), "raise KeyError(sku)")
SOFT_LIMIT = Error(
    "SoftTimeLimitExceeded()",
    _RAISED.format(
        module="reports",
        line=34,
        function="_hang",
        code="time.sleep(30)",
        kind="billiard.exceptions.SoftTimeLimitExceeded",
        message="SoftTimeLimitExceeded()",
    ),
    after=8.0,
)
HARD_LIMIT = Error(
    "ExceptionWithTraceback()",
    _POOL.format(line=684, function="on_hard_timeout", name="TimeLimitExceeded", message="(11,)"),
    after=11.0,
)
WORKER_LOST = Error(
    "ExceptionWithTraceback()",
    _POOL.format(
        line=1264,
        function="mark_as_worker_lost",
        name="WorkerLostError",
        message="Worker exited prematurely: signal 9 (SIGKILL) Job: 47.",
    ),
)
